import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withContext } from './context.ts'
import { type ChatMessage, textOf } from './wire.ts'

fc.configureGlobal({ seed: 20261124 })

const user: ChatMessage = { role: 'user', content: 'hello' }
const system: ChatMessage = { role: 'system', content: 'be brief' }
const PASSAGES = [{ id: 'mem_1', content: 'one' }]

test('no passage can forge an entry or end the list: one line each, whatever it holds', () => {
  const passages = fc.array(fc.record({ id: fc.constant('mem_1'), content: fc.string({ unit: 'binary' }) }), {
    minLength: 1,
    maxLength: 5,
  })
  fc.assert(
    fc.property(passages, (context) => {
      const [note] = withContext([user], context)
      const lines = textOf(note ?? user).split('\n')
      assert.equal(lines.length, context.length + 1)
      lines.slice(1).forEach((line, index) => assert.ok(line.startsWith(`${index + 1}. [mem_1] "`)))
    }),
  )
})

test('without passages the messages are the same', () => {
  assert.deepEqual(withContext([system, user], []), [system, user])
})

test("the note stands after the caller's own instructions and before the conversation", () => {
  const roles = (messages: readonly ChatMessage[]) => withContext(messages, PASSAGES).map(({ role }) => role)
  assert.deepEqual(roles([system, user]), ['system', 'system', 'user'])
  assert.deepEqual(roles([user, system]), ['system', 'user', 'system'])
  assert.deepEqual(roles([system]), ['system', 'system'])
})
