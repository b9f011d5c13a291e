import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { createStopList } from './stop-list.ts'

test('steps are undone in reverse; one that throws and one that hangs hold up nobody', async () => {
  const done: string[] = []
  const logged: string[] = []
  const stops = createStopList(pino({}, { write: (line) => logged.push(line) }), 30)
  stops.add('first', () => void done.push('first'))
  stops.add('hangs', () => new Promise(() => undefined))
  stops.add('throws', () => {
    throw new Error('planted')
  })
  stops.add('last', async () => void done.push('last'))
  await stops.run()
  assert.deepEqual(done, ['last', 'first'])
  assert.equal(logged.length, 2)
  await stops.run()
  assert.deepEqual(done, ['last', 'first'])
})
