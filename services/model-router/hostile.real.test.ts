import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type RouterUnderTest, startRouter } from './testing/router-under-test.ts'

// A provider that writes whatever bytes it likes; the stand-in is the next candidate.

type Give = (socket: Socket) => void

let give: Give = (socket) => void socket.end()
let redirected = 0
let router: RouterUnderTest
const sockets = new Set<Socket>()
const hostile = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  socket.once('data', (bytes: Buffer) => {
    if (bytes.includes('/elsewhere')) redirected++
    give(socket)
  })
})

before(async () => {
  hostile.listen(0, '127.0.0.1')
  await once(hostile, 'listening')
  const base_url = `http://127.0.0.1:${(hostile.address() as AddressInfo).port}/v1`
  router = await startRouter({
    providers: {
      hostile: { kind: 'openai', base_url, models: [{ name: 'm' }], tokens_per_day: 1_000_000 },
    },
    profiles: { chat_low_latency: { first_token_ms: 400, idle_ms: 400, complete_ms: 400 } },
    breaker: { consecutive_failures: 100 },
  })
})
after(async () => {
  await router.stop()
  for (const socket of sockets) socket.destroy()
  hostile.close()
})

const answering =
  (body: string | Buffer, headers = 'content-type: application/json', status = '200 OK'): Give =>
  (socket) => {
    const length = `content-length: ${Buffer.byteLength(body)}\r\n`
    socket.write(`HTTP/1.1 ${status}\r\n${headers}\r\n${length}connection: close\r\n\r\n`)
    socket.end(body)
  }

/** Writes for as long as anybody reads. */
const endless =
  (head: string, piece: string | Buffer): Give =>
  (socket) => {
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    }
    socket.on('drain', more)
    socket.write(head)
    more()
  }

const saying = (message: unknown, more: object = {}) =>
  JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], ...more })
const GOOD = { role: 'assistant', content: 'good words' }
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const SSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n'
const token = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`

const NO_ANSWERS: readonly (readonly [what: string, give: Give])[] = [
  ['bytes that are no HTTP', (socket) => socket.end(Buffer.from([0, 255, 10, 13, 7]))],
  ['a header without an end', endless('HTTP/1.1 200 OK\r\n', `x-more: ${'y'.repeat(1000)}\r\n`)],
  ['a header that drips', (socket) => socket.write('HTTP/1.1 200 OK\r\nx-mo')],
  ['two lengths', answering(saying(GOOD), 'content-length: 3')],
  ['a redirect', answering('', 'location: /elsewhere', '302 Found')],
  ['a permanent redirect', answering('', 'location: /elsewhere', '308 Permanent Redirect')],
  ['a page', answering('<html>good words</html>', 'content-type: text/html')],
  ['an error under 200', answering('{"error":{"message":"no","code":"internal"}}')],
  ['a packed answer that nobody asked for', answering(gzipSync(saying(GOOD)), 'content-encoding: gzip')],
  ['a JSON text', answering('"good words"')],
  ['no choices', answering('{"choices":[]}')],
  ['a choice that is null', answering('{"choices":[null]}')],
  ['a choice without a message', answering('{"choices":[{}]}')],
  ['content that is a number', answering(saying({ content: 7 }))],
  ['content that is an object', answering(saying({ content: { text: 'x' } }))],
  ['tool calls that are text', answering(saying({ content: null, tool_calls: 'file_read' }))],
  ['a tool call that is null', answering(saying({ content: null, tool_calls: [null] }))],
  ['a tool without a name', answering(saying({ content: null, tool_calls: [{ function: {} }] }))],
  ['an answer deeper than any', answering(`{"deep":${DEEP},${saying(GOOD).slice(1)}`)],
]
for (const [what, giving] of NO_ANSWERS) {
  for (const stream of [false, true]) {
    test(`${what} is no answer: the next candidate gives one (${stream ? 'streamed' : 'whole'})`, async () => {
      give = giving
      const answer = await router.chat({ stream })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('x-sonia-provider'), 'embedded')
      assert.doesNotMatch(await answer.text(), /good words/)
      assert.equal(redirected, 0)
    })
  }
}

test('an answer without an end is given up at its bound or its time, and its connection is closed', async () => {
  for (const stream of [false, true]) {
    give = endless('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n', Buffer.alloc(1 << 16, 'x'))
    const answer = await router.chat({ stream })
    assert.equal(answer.headers.get('x-sonia-provider'), 'embedded')
    await answer.text()
  }
  for (const socket of sockets) if (!socket.destroyed) await once(socket, 'close')
})

test('comments without an end before the first token are no sign of life', async () => {
  give = endless(SSE, ': still here\n\n')
  const answer = await router.chat({ stream: true })
  assert.equal(answer.headers.get('x-sonia-provider'), 'embedded')
  await answer.text()
})

for (const [what, piece] of [
  ['tokens', token('more '.repeat(2000))],
  ['comments', `: ${'still here '.repeat(1000)}\n\n`],
] as const) {
  test(`${what} without an end after the first token: a typed end at the bound of one answer`, async () => {
    give = endless(`${SSE}${token('first')}`, piece.repeat(10))
    const text = await (await router.chat({ stream: true })).text()
    assert.ok(text.startsWith(token('first')))
    assert.ok(text.length < 20 << 20, String(text.length))
    assert.match(text.slice(-600), /"code":"UNAVAILABLE","details":\{"reason":"malformed"/)
  })
}

const USAGES = [
  '{"prompt_tokens":-5,"completion_tokens":-7}',
  '{"prompt_tokens":1e999,"completion_tokens":1e999}',
  '{"prompt_tokens":0.5,"completion_tokens":3}',
  '{"prompt_tokens":"3","completion_tokens":null}',
  '[]',
]
for (const usage of USAGES) {
  test(`a good answer with impossible counts (${usage}) is given, and its tokens are estimated`, async () => {
    const counted = /^sonia_model_tokens_total\{provider="hostile",model="m",kind="(prompt|completion)"\}/
    const estimated = /^sonia_model_tokens_total\{provider="hostile",model="m",kind="completion_estimated"\}/
    const before = await router.metric(estimated)
    give = answering(`${saying(GOOD).slice(0, -1)},"usage":${usage}}`)
    const whole = await router.ask()
    assert.deepEqual([whole.status, whole.body.choices[0]?.message.content], [200, GOOD.content])
    const finish = `data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":${usage}}\n\ndata: [DONE]\n\n`
    give = (socket) => socket.end(`${SSE}${token('good words')}${finish}`)
    const streamed = await router.chat({ stream: true })
    assert.equal(await streamed.text(), `${token('good words')}${finish}`)
    assert.equal(await router.metric(counted), 0)
    assert.ok((await router.metric(estimated)) > before)
    const { body } = await router.get('/providers')
    assert.doesNotMatch(JSON.stringify(body), /-\d|null,"tokens"|Infinity/)
  })
}
