import assert from 'node:assert/strict'
import { once } from 'node:events'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually, startForTest } from '#chassis/testing.ts'
import { service } from './service.ts'
import { startDouble } from './testing/double-process.ts'

/** Node keeps there whether TCP_NODELAY was set; the option itself cannot be read back from JavaScript. */
function hasNoDelay(socket: Socket): boolean {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kSetNoDelay')
  return symbol !== undefined && Reflect.get(socket, symbol) === true
}

test('the check sees a socket that waits to fill its packets', async (t) => {
  const double = await startDouble()
  t.after(() => double.stop())
  const socket = connect(Number(new URL(double.baseUrl).port), '127.0.0.1')
  await once(socket, 'connect')
  assert.equal(hasNoDelay(socket), false)
  socket.setNoDelay(true)
  assert.equal(hasNoDelay(socket), true)
  socket.destroy()
})

test('no packet waits for another: TCP_NODELAY is set towards the client and towards the provider', async (t) => {
  const double = await startDouble()
  const providers = { first: { kind: 'openai', base_url: double.baseUrl, models: [{ name: 'm' }] } }
  const running = await startForTest(service, { config: { providers } })
  t.after(async () => {
    await running.stop()
    await double.stop()
  })
  const accepted: Socket[] = []
  running.app.server.on('connection', (socket) => accepted.push(socket))
  const connected: Socket[] = []
  const note = (message: unknown) => {
    const { socket, connectParams } = message as { socket: Socket; connectParams: { port: string } }
    if (connectParams.port === new URL(double.baseUrl).port) connected.push(socket)
  }
  subscribe('undici:client:connected', note)
  t.after(() => unsubscribe('undici:client:connected', note))
  const headers = { 'content-type': 'application/json', ...(await running.headersFrom('api-gateway')) }
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'x' }] })
  await eventually(async () => {
    const answer = await fetch(`${running.url}/v1/chat/completions`, { method: 'POST', headers, body })
    await answer.text()
    return answer.ok
  })
  assert.ok(accepted.length > 0 && connected.length > 0)
  assert.deepEqual(
    [...accepted, ...connected].map(hasNoDelay),
    [...accepted, ...connected].map(() => true),
  )
})
