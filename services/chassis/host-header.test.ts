import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import { defineService } from './define-service.ts'
import { startForTest } from './testing.ts'

const probe = defineService({
  name: 'api-gateway',
  config: Type.Object({}, { additionalProperties: false }),
  setup: ({ app }) => {
    app.get('/public', () => ({ answered: true }))
    app.get('/internal', { config: { auth: 'service' } }, () => ({ answered: true }))
  },
})

let service: Awaited<ReturnType<typeof startForTest>>
before(async () => {
  service = await startForTest(probe)
})
after(() => service.stop())

/** What is written is what is sent: no client puts its own Host beside ours. */
async function send(path: string, ...headers: readonly string[]): Promise<string> {
  const socket = connect(service.port, '127.0.0.1')
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  socket.write(`GET ${path} HTTP/1.1\r\n${[...headers, 'connection: close'].join('\r\n')}\r\n\r\n`)
  await once(socket, 'end')
  return Buffer.concat(pieces).toString()
}

for (const [what, ...headers] of [
  ['two hosts', 'Host: localhost', 'Host: evil.example'],
  ['the foreign one first', 'Host: evil.example', 'Host: localhost'],
  ['the same host twice, in other letters', 'Host: localhost', 'hOST: localhost'],
] as const) {
  for (const path of ['/public', '/internal', '/healthz', '/no-such-route']) {
    test(`${what} at ${path}: 400 in the envelope, whoever asks`, async () => {
      const answer = await send(path, ...headers)
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.match(answer, /"code":"INVALID_ARGUMENT"/)
    })
  }
}

test('one Host is one Host, beside headers that only resemble it', async () => {
  const answer = await send('/public', 'Host: localhost', 'X-Host: evil.example', 'Hosts: evil.example')
  assert.match(answer, /^HTTP\/1\.1 200 /)
})
