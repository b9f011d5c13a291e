import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Client, connected, metric, reconnected, refusedUpgrade, startSession, voice } from './testing.ts'

/** A frame that nests this deep, itself counted. */
function statusOfLevels(levels: number): string {
  return `{"type":"STATUS","data":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
}

const BAD_FRAMES: readonly (readonly [string, string, string])[] = [
  ['text that is no JSON', 'hello', 'INVALID_ARGUMENT'],
  ['an array', '[]', 'INVALID_ARGUMENT'],
  ['an unknown type', '{"type":"DANCE"}', 'INVALID_ARGUMENT'],
  ['a message without text', '{"type":"MESSAGE","data":{}}', 'INVALID_ARGUMENT'],
  ['a frame of another session', '{"type":"STATUS","session_id":"other"}', 'INVALID_ARGUMENT'],
  ['65 levels of JSON', statusOfLevels(65), 'INVALID_ARGUMENT'],
  ['10,000 levels of JSON', statusOfLevels(10_000), 'INVALID_ARGUMENT'],
  ['2 MiB', JSON.stringify({ type: 'MESSAGE', data: { text: 'x'.repeat(2 << 20) } }), 'TOO_LARGE'],
]

test('a bad frame gets its typed answer and the session lives on', async () => {
  const started = await voice()
  const { client } = await connected(started)
  for (const [what, text, code] of BAD_FRAMES) {
    client.socket.send(text)
    assert.equal((await client.next('ERROR')).data['code'], code, what)
  }
  client.socket.send(Buffer.alloc(320), { binary: true })
  assert.equal((await client.next('ERROR')).data['code'], 'UNAVAILABLE', 'audio without a speech provider')
  client.socket.send(statusOfLevels(64))
  assert.equal((await client.next('STATUS')).data['status'], 'active', '64 levels are read')
  client.send('MESSAGE', { text: 'still there' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'still there')
})

test('text that is not UTF-8 fails the connection with 1007, as RFC 6455 has it; the session can be resumed', async () => {
  const started = await voice()
  const { client, id } = await connected(started)
  client.socket.send(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { binary: false })
  assert.equal(await client.closed, 1007)
  const back = await reconnected(started, id, 2)
  assert.equal((await back.next('SESSION_START')).data['resumed'], true)
})

test('a frame beyond what is ever read fails the connection with 1009', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.socket.send('x'.repeat((4 << 20) + 1))
  assert.equal(await client.closed, 1009)
})

test('what comes after SESSION_STOP is not answered and reaches nobody', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('SESSION_STOP')
  client.send('MESSAGE', { text: 'too late' })
  client.socket.send('{')
  assert.equal(await client.closed, 1000)
  await client.next('SESSION_STOP')
  await assert.rejects(client.next(), /closed/)
  assert.deepEqual(started.gateway.asked, [])
})

test('of two sockets that come at the same moment one lives', async () => {
  const started = await voice()
  const id = await startSession(started)
  const rivals = [new Client(started.url, id), new Client(started.url, id)]
  const alive = await Promise.all(
    rivals.map((rival) =>
      rival.next('STATUS').then(
        () => true,
        () => false,
      ),
    ),
  )
  assert.equal(alive.filter(Boolean).length, 1)
})

test('an id from elsewhere is refused: of another service, of no form at all, of a path', async () => {
  const started = await voice()
  for (const id of ['ses_0123456789abcdef', 'x', '..%2f..%2fetc', 'a'.repeat(64)]) {
    assert.equal(await refusedUpgrade(started.url, id), 403, id)
  }
  assert.equal(await refusedUpgrade(started.url, 'a'.repeat(65)), 400)
})

test('a handshake that does not come to its end is answered with TIMEOUT and cut', async () => {
  const started = await voice()
  // The limit of the chassis is 10 s; shorter here, so that the test does not wait for it.
  started.app.server.headersTimeout = 200
  started.app.server.requestTimeout = 200
  const id = await startSession(started)
  const socket = connect(Number(new URL(started.url).port), '127.0.0.1')
  socket.write(`GET /ws/${id} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConn`)
  assert.match(await text(socket), /^HTTP\/1\.1 408 [^]*"code":"TIMEOUT"/)
})

test('a bad client leaves the sessions of others untouched', async () => {
  const started = await voice()
  const good = await connected(started)
  for (const spoil of SPOILERS) {
    const bad = await connected(started)
    spoil(bad.client)
    good.client.send('MESSAGE', { text: 'still here' })
    assert.equal((await good.client.next('MESSAGE')).data['text'], 'still here')
  }
  const errors = 'sonia_log_lines_total{level="ERROR"}'
  assert.equal((await metric(started, errors)) ?? '0', '0')
})

const SPOILERS: readonly ((client: Client) => void)[] = [
  (client) => client.socket.send(Buffer.from([0xff]), { binary: false }),
  (client) => client.socket.send('x'.repeat((4 << 20) + 1)),
  (client) => client.socket.terminate(),
  // Bytes that are no WebSocket frame: reserved bits, an unmasked frame, half a header.
  (client) => rawSocketOf(client).write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0])),
  (client) => rawSocketOf(client).write(Buffer.from([0x81, 0x02, 0x7b, 0x7d])),
  (client) => rawSocketOf(client).end(Buffer.from([0x81])),
]

function rawSocketOf(client: Client) {
  const { _socket: raw } = client.socket as unknown as { _socket: Socket }
  return raw
}
