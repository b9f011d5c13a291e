import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { WebSocket } from 'ws'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours, NeighbourRequest } from '#chassis/neighbours.ts'
import { startForTest, type TestService } from '#chassis/testing.ts'
import { service } from './service.ts'

const stops: (() => Promise<void>)[] = []
after(async () => {
  for (const stop of stops) await stop()
})

/** A gateway that streams back what it was told, word by word; "hold" never ends, "down" fails. */
function echoGateway(): Neighbours & { readonly aborted: string[] } {
  const aborted: string[] = []
  const stream: Neighbours['stream'] = async (_to, request: NeighbourRequest, call) => {
    const { message } = request.body as { message: string }
    if (message === 'down') throw new ServiceError('UNAVAILABLE', 'model-router is unavailable')
    call.signal.addEventListener('abort', () => aborted.push(message), { once: true })
    const body = Readable.from(sse(message, call.signal), { objectMode: false })
    return { status: 200, headers: {}, body }
  }
  return {
    aborted,
    stream,
    call: async () => {
      throw new ServiceError('UNAVAILABLE', 'not asked for')
    },
    state: () => ({ breaker: 'closed' }),
  }
}

async function* sse(message: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (const word of message.split(' ')) yield event('delta', { text: word })
  if (message === 'hold') await once(signal, 'abort')
  yield event('done', { response: message, model: 'echo', provider: 'test' })
}

function event(name: string, data: object): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

type Voice = TestService & { readonly url: string; readonly gateway: ReturnType<typeof echoGateway> }

async function voice(config: Record<string, unknown> = {}, home?: string): Promise<Voice> {
  const gateway = echoGateway()
  const options = { config, neighbours: gateway, ...(home === undefined ? {} : { home }) }
  const started = await startForTest(service, options)
  stops.push(() => started.stop())
  return { ...started, gateway }
}

interface Frame {
  readonly type: string
  readonly seq: number
  readonly data: Record<string, unknown>
}

/** A client that can be asked for its next frame; nothing waits on a clock. */
class Client {
  readonly socket: WebSocket
  readonly #frames: Frame[] = []
  #wake: (() => void) | null = null
  readonly closed: Promise<number>

  constructor(url: string, id: string, query = '') {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/ws/${id}${query}`)
    this.socket.on('message', (data) => {
      this.#frames.push(JSON.parse(String(data)) as Frame)
      this.#wake?.()
    })
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code) => {
        resolve(code)
        this.#wake?.()
      })
    })
    this.socket.on('error', () => {})
  }

  async next(type?: string): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined && (type === undefined || frame.type === type)) return frame
      if (frame !== undefined) continue
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed before ${type ?? 'a frame'}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  send(type: string, data: object = {}): void {
    this.socket.send(JSON.stringify({ type, data }))
  }
}

async function startSession(service: Voice): Promise<string> {
  const answer = await service.app.inject({
    method: 'POST',
    url: '/session/start',
    payload: { user_id: 'ada' },
  })
  assert.equal(answer.statusCode, 200)
  return answer.json<{ data: { session_id: string } }>().data.session_id
}

async function connected(service: Voice, query = '', id?: string): Promise<{ client: Client; id: string }> {
  const sessionId = id ?? (await startSession(service))
  const client = new Client(service.url, sessionId, query)
  await client.next('STATUS')
  return { client, id: sessionId }
}

async function metric(service: Voice, line: string): Promise<string | undefined> {
  const { body } = await service.app.inject({ url: '/metrics' })
  return body
    .split('\n')
    .find((text) => text.startsWith(line))
    ?.split(' ')[1]
}

async function refusedUpgrade(url: string, id: string): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/${id}`)
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
  return response.statusCode
}

test('an unknown or closed session is refused before the upgrade, a second live socket conflicts', async () => {
  const started = await voice()
  assert.equal(await refusedUpgrade(started.url, 'b5f0e1a2-0000-4000-8000-000000000000'), 403)
  const { id, client } = await connected(started)
  assert.equal(await refusedUpgrade(started.url, id), 409)
  client.send('SESSION_STOP')
  await client.closed
  assert.equal(await refusedUpgrade(started.url, id), 403)
})

test('a session goes from start over messages to a clean close with 1000, and the counters agree', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'good morning', stream: true })
  assert.equal((await client.next('MESSAGE_DELTA')).data['text'], 'good')
  assert.equal((await client.next('MESSAGE_DELTA')).data['text'], 'morning')
  const answer = await client.next('MESSAGE')
  assert.deepEqual([answer.data['text'], answer.data['role']], ['good morning', 'assistant'])
  client.send('SESSION_STOP', { reason: 'enough' })
  assert.equal((await client.next('SESSION_STOP')).data['reason'], 'enough')
  assert.equal(await client.closed, 1000)
  assert.equal(await metric(started, 'sonia_voice_sessions_created_total'), '1')
  assert.equal(await metric(started, 'sonia_voice_sessions_closed_total{reason="clean"}'), '1')
  assert.equal(await metric(started, 'sonia_voice_sessions_active'), '0')
})

const BAD_FRAMES: readonly (readonly [string, string, string])[] = [
  ['text that is no JSON', 'hello', 'INVALID_ARGUMENT'],
  ['an array', '[]', 'INVALID_ARGUMENT'],
  ['an unknown type', '{"type":"DANCE"}', 'INVALID_ARGUMENT'],
  ['a message without text', '{"type":"MESSAGE","data":{}}', 'INVALID_ARGUMENT'],
  ['a frame of another session', '{"type":"STATUS","session_id":"other"}', 'INVALID_ARGUMENT'],
  ['65 levels of JSON', `{"type":"STATUS","data":${'['.repeat(65)}${']'.repeat(65)}}`, 'INVALID_ARGUMENT'],
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
  client.send('MESSAGE', { text: 'still there' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'still there')
})

test('a gateway that fails is a typed frame, and the session lives on', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'down' })
  assert.equal((await client.next('ERROR')).data['code'], 'UNAVAILABLE')
  client.send('MESSAGE', { text: 'up again' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'up again')
})

test('an interruption stops the answer upstream, drops what waits, and nothing stale follows', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'hold', stream: true })
  client.send('MESSAGE', { text: 'waiting' })
  await client.next('MESSAGE_DELTA')
  client.send('INTERRUPT')
  const stopped = await client.next('INTERRUPT')
  assert.deepEqual(stopped.data, { interrupted: true, dropped: 1 })
  client.send('MESSAGE', { text: 'next question' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'next question')
  assert.ok(started.gateway.aborted.includes('hold'))
})

test('a client that lost its connection resumes and gets the frames it missed, once and in order', async () => {
  const started = await voice()
  const { client, id } = await connected(started)
  client.send('MESSAGE', { text: 'one' })
  const first = await client.next('MESSAGE')
  client.send('MESSAGE', { text: 'two' })
  await client.next('MESSAGE')
  client.socket.terminate()
  await client.closed
  let back = new Client(started.url, id, `?last_seq=${first.seq}`)
  // The server may learn of the loss a moment after the client: 409 until then.
  while ((await Promise.race([once(back.socket, 'open').then(() => 'open'), back.closed])) !== 'open') {
    back = new Client(started.url, id, `?last_seq=${first.seq}`)
  }
  const missed = await back.next('MESSAGE')
  assert.equal(missed.data['text'], 'two')
  const start = await back.next('SESSION_START')
  assert.deepEqual([start.data['resumed'], start.data['lost_frames']], [true, 0])
})

test('sessions that a killed process left behind are settled at the next start', async () => {
  const first = await voice()
  const folder = join(first.home, 'data', 'sessions')
  const id = await startSession(first)
  await first.stop()
  const old = {
    session_id: '00000000-0000-4000-8000-000000000001',
    user_id: null,
    metadata: {},
    created_at_ms: 0,
  }
  const young = { ...old, session_id: id, created_at_ms: Date.now() }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${old.session_id}.json`), JSON.stringify(old))
  await writeFile(join(folder, `${young.session_id}.json`), JSON.stringify(young))
  await writeFile(join(folder, 'torn.json'), '{"session_id"')
  const second = await voice({}, first.home)
  assert.equal(await metric(second, 'sonia_voice_sessions_closed_total{reason="restart"}'), '1')
  assert.equal(await metric(second, 'sonia_voice_sessions_active'), '1')
  await connected(second, '?last_seq=0', id)
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('torn')),
    [],
  )
})

test('a client that answers no ping is cut', async () => {
  const started = await voice({ ping_seconds: 1, resume_seconds: 0 })
  const { client } = await connected(started)
  client.socket.pause()
  const lines = 'sonia_voice_sessions_closed_total{reason="error"}'
  while ((await metric(started, lines)) !== '1') await new Promise((resolve) => setImmediate(resolve))
})

test('a stop of the service says goodbye with 1001 and leaves no session file', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-voice-'))
  const started = await voice({}, home)
  const { client } = await connected(started)
  await started.stop()
  assert.equal(await client.closed, 1001)
  assert.deepEqual(await readdir(join(home, 'data', 'sessions')), [])
  await rm(home, { recursive: true })
})
