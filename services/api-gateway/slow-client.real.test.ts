import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { gateway, MEMORY, ROUTER, streamText } from './testing.ts'

const PIECE = streamText(['x'.repeat(32 << 10)], '').text
const PIECES = 3000
/** What the system holds for both ends of a connection is below it; the whole answer is three times as much. */
const ON_THE_WAY_MAX = 1000

/** A router that answers with 94 MiB, and counts what was fetched of it. */
function longAnswer() {
  const router = {
    fetched: 0,
    closed: false,
    async *pieces(): AsyncGenerator<string> {
      try {
        for (; router.fetched < PIECES; router.fetched += 1) yield PIECE
        yield 'data: [DONE]\n\n'
      } finally {
        router.closed = true
      }
    },
  }
  return router
}

/** Sends a chat and reads nothing of its answer. */
async function ask(
  t: TestContext,
  router: ReturnType<typeof longAnswer>,
  headers: readonly string[] = [],
): Promise<Socket> {
  const { app } = await gateway({ ...MEMORY, [ROUTER]: () => ({ text: router.pieces() }) })
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const body = JSON.stringify({ message: 'colour?', stream: true })
  const socket = connect(Number(url.port), url.hostname)
  t.after(() => socket.destroy())
  socket.pause()
  const lines = [
    'POST /v1/chat HTTP/1.1',
    `host: ${url.host}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...headers,
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  return socket
}

/** Nothing more was fetched in so many looks, one after the other. */
async function standsStill(router: ReturnType<typeof longAnswer>): Promise<void> {
  let seen = 0
  let alike = 0
  await eventually(() => {
    alike = router.fetched > 0 && router.fetched === seen ? alike + 1 : 0
    seen = router.fetched
    return alike === 20
  })
}

test('a client that stops reading stops the answer at its source, and gets the rest when it reads on', async (t) => {
  const router = longAnswer()
  const socket = await ask(t, router)
  await standsStill(router)
  assert.ok(router.fetched < ON_THE_WAY_MAX, `${router.fetched} pieces of 32 KiB were fetched`)
  const answer = await text(socket)
  assert.equal(answer.split('event: delta').length - 1, PIECES)
  assert.match(answer, /event: done/)
})

test('a client that never reads holds the source no longer than the deadline', async (t) => {
  const router = longAnswer()
  await ask(t, router, ['x-deadline-ms: 1000'])
  await eventually(() => router.closed)
  assert.ok(router.fetched < ON_THE_WAY_MAX, `${router.fetched} pieces of 32 KiB were fetched`)
})
