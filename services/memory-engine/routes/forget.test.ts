import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMemoryEngine } from '../testing.ts'

const LINES = 1280

test('while a long conversation is forgotten others write; when it is answered, all of it is gone', async (t) => {
  const memory = await startMemoryEngine()
  t.after(() => memory.stop())
  const line = (n: number) =>
    JSON.stringify({ type: 'turn', content: `the pangolin ${n}`, session_id: 'long' })
  const body = Array.from({ length: LINES }, (_, n) => line(n)).join('\n')
  await memory.send('/import', body, 'application/x-ndjson')
  let answered = false
  const forgetting = memory.call('POST', '/forget', { session_id: 'long' }).finally(() => {
    answered = true
  })
  let stored = 0
  while (!answered) {
    assert.equal((await memory.call('POST', '/store', { type: 'turn', content: 'the okapi' })).status, 200)
    stored += 1
  }
  const { status, body: forgotten } = await forgetting
  assert.deepEqual([status, forgotten.count, forgotten.erased], [200, LINES, true])
  // Beside one transaction for all it would be two at most.
  assert.ok(stored > 3, `${stored} were stored meanwhile`)
  assert.equal(new Set(forgotten.ids).size, 1000)
  assert.equal((await memory.call('POST', '/search', { query: 'pangolin' })).body.count, 0)
  assert.equal((await memory.call('GET', '/query/stats')).body.items, stored)
})
