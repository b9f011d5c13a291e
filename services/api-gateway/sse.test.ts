import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { gateway, MEMORY, ROUTER, streamText } from './testing.ts'

const PIECE = 'x'.repeat(32 << 10)
const PIECES = 400

/** A router that answers with 12.5 MiB, and counts how many pieces were fetched. */
function endlessRouter() {
  const router = {
    fetched: 0,
    async *answer(): AsyncGenerator<string> {
      for (; router.fetched < PIECES; router.fetched += 1) yield streamText([PIECE], '').text
      yield 'data: [DONE]\n\n'
    },
  }
  return router
}

test('for a client that does not read, no more of the answer is fetched than fits on the way', async () => {
  const router = endlessRouter()
  const { app } = await gateway({ ...MEMORY, [ROUTER]: () => ({ text: router.answer() }) })
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/chat',
    payload: { message: 'colour?', stream: true },
    payloadAsStream: true,
  })
  for (let turn = 0; turn < 2000; turn += 1) await setImmediate()
  assert.ok(router.fetched < 20, `${router.fetched} pieces of 32 KiB were fetched`)
  const events = (await text(answer.stream())).trimEnd().split('\n\n')
  assert.equal(events.filter((event) => event.startsWith('event: delta')).length, PIECES)
  assert.match(events.at(-1) ?? '', /^event: done/)
})

for (const content of [7, {}, ['text']]) {
  test(`a piece of an answer that is ${JSON.stringify(content)} ends it in a typed error`, async () => {
    const chunk = `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
    const { app } = await gateway({ ...MEMORY, [ROUTER]: () => ({ text: streamText(['It '], chunk).text }) })
    const { body } = await app.inject({
      method: 'POST',
      url: '/v1/chat',
      payload: { message: 'colour?', stream: true },
    })
    assert.match(body, /event: error\ndata: \{"code":"UNAVAILABLE"/)
  })
}
