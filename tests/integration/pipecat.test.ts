import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import WebSocket from 'ws'
import { CATALOG, portAt } from '#catalog'
import { ask, stackUnderTest } from '../stack-under-test.ts'
import { assertRefused, dataOf } from './answers.ts'

interface Frame {
  readonly type: string
  readonly session_id: string
  readonly data: Readonly<Record<string, unknown>>
}

/** A client of one session that keeps every frame it got. */
interface Client {
  readonly socket: WebSocket
  send(type: string, data?: object): void
  /** The next frame of this type, in order; bounded. */
  frame(type: string): Promise<Frame>
}

const WAIT_MS = 10_000

async function startSession(): Promise<string> {
  const data = dataOf(await ask('pipecat', { path: '/session/start', body: { user_id: 'integration' } }))
  assert.equal(data['state'], 'ACTIVE')
  return String(data['session_id'])
}

async function socketUrl(sessionId: string): Promise<string> {
  const { portBase } = await stackUnderTest()
  return `ws://127.0.0.1:${portAt(CATALOG.pipecat.port, portBase)}/ws/${sessionId}`
}

async function connect(sessionId: string): Promise<Client> {
  const socket = new WebSocket(await socketUrl(sessionId))
  const frames: Frame[] = []
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8')) as Frame))
  const signal = AbortSignal.timeout(WAIT_MS)
  await once(socket, 'open', { signal })
  return {
    socket,
    send: (type, data = {}) =>
      socket.send(
        JSON.stringify({ type, session_id: sessionId, seq: 0, data, timestamp: new Date().toISOString() }),
      ),
    async frame(type) {
      for (;;) {
        const index = frames.findIndex((frame) => frame.type === type)
        const [found] = index < 0 ? [] : frames.splice(index, 1)
        if (found !== undefined) return found
        await once(socket, 'message', { signal })
      }
    },
  }
}

/** Status of an upgrade that was refused. */
async function refusalOf(sessionId: string): Promise<number> {
  const socket = new WebSocket(await socketUrl(sessionId))
  socket.on('error', () => undefined)
  const [, response] = (await once(socket, 'unexpected-response', {
    signal: AbortSignal.timeout(WAIT_MS),
  })) as [unknown, { statusCode: number }]
  socket.terminate()
  return response.statusCode
}

test('an unknown session is refused before the upgrade', async () => {
  assert.equal(await refusalOf('00000000-0000-4000-8000-000000000000'), 403)
})

test('a closed session is refused before the upgrade', async () => {
  const id = await startSession()
  dataOf(await ask('pipecat', { path: '/session/stop', body: { session_id: id } }))
  assert.equal(await refusalOf(id), 403)
})

test('stopping without a session is refused as unprocessable', async () => {
  assertRefused(await ask('pipecat', { path: '/session/stop', body: {} }), 422, 'INVALID_ARGUMENT')
})

test('an unknown session is not found', async () => {
  assertRefused(
    await ask('pipecat', { path: '/session/00000000-0000-4000-8000-000000000000' }),
    404,
    'NOT_FOUND',
  )
})

test('a session is started, shown and closed', async () => {
  const id = await startSession()
  assert.equal(dataOf(await ask('pipecat', { path: `/session/${id}` }))['state'], 'ACTIVE')
  const stopped = dataOf(await ask('pipecat', { path: '/session/stop', body: { session_id: id } }))
  assert.equal(stopped['state'], 'CLOSED')
})

test('a socket is greeted, answered by the gateway, and closed as asked', async () => {
  const id = await startSession()
  const client = await connect(id)
  assert.equal((await client.frame('SESSION_START')).session_id, id)
  assert.equal((await client.frame('STATUS')).data['status'], 'active')
  client.send('MESSAGE', { text: 'How is the harbour?' })
  const answer = await client.frame('MESSAGE')
  assert.equal(answer.data['role'], 'assistant')
  assert.notEqual(answer.data['text'], '')
  const closed = once(client.socket, 'close', { signal: AbortSignal.timeout(WAIT_MS) })
  client.send('SESSION_STOP', { reason: 'done' })
  const [code] = (await closed) as [number]
  assert.equal(code, 1000)
})

test('a second socket on a session is refused', async () => {
  const id = await startSession()
  const client = await connect(id)
  await client.frame('STATUS')
  assert.equal(await refusalOf(id), 409)
  client.send('SESSION_STOP')
})

test('bad frames are answered, and the session lives on', async () => {
  const client = await connect(await startSession())
  await client.frame('STATUS')
  client.socket.send('{"type": ')
  assert.equal((await client.frame('ERROR')).data['code'], 'INVALID_ARGUMENT')
  client.send('YODEL')
  assert.equal((await client.frame('ERROR')).data['code'], 'INVALID_ARGUMENT')
  client.send('MESSAGE', { text: 'Still there?' })
  assert.equal((await client.frame('MESSAGE')).data['role'], 'assistant')
  client.send('SESSION_STOP')
})

test('sound without a speech provider is refused, not pretended', async () => {
  const client = await connect(await startSession())
  await client.frame('STATUS')
  client.socket.send(Buffer.alloc(320))
  assert.equal((await client.frame('ERROR')).data['code'], 'UNAVAILABLE')
  client.send('SESSION_STOP')
})
