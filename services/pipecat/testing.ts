import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after } from 'node:test'
import { WebSocket } from 'ws'
import { sha256 } from '#chassis/api-keys.ts'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours, NeighbourRequest } from '#chassis/neighbours.ts'
import { startForTest, type TestService } from '#chassis/testing.ts'
import { service } from './service.ts'

const FLOOD_PIECE = 'x'.repeat(64 * 1024)

const stops: (() => Promise<void>)[] = []
after(async () => {
  for (const stop of stops) await stop()
})

/** A gateway that streams back what it was told, word by word; "hold" never ends, "flood" never stops, "down" fails. */
export interface EchoGateway extends Neighbours {
  readonly asked: string[]
  readonly aborted: string[]
  /** Characters that were taken of a "flood". */
  readonly flooded: () => number
}

function echoGateway(): EchoGateway {
  const asked: string[] = []
  const aborted: string[] = []
  let flooded = 0
  const onFlood = (characters: number) => {
    flooded += characters
  }
  const stream: Neighbours['stream'] = async (_to, request: NeighbourRequest, call) => {
    const { message } = request.body as { message: string }
    asked.push(message)
    if (message === 'down') throw new ServiceError('UNAVAILABLE', 'model-router is unavailable')
    call.signal.addEventListener('abort', () => aborted.push(message), { once: true })
    const body = Readable.from(sse(message, call.signal, onFlood), { objectMode: false })
    return { status: 200, headers: {}, body }
  }
  return {
    asked,
    aborted,
    flooded: () => flooded,
    stream,
    call: async () => {
      throw new ServiceError('UNAVAILABLE', 'not asked for')
    },
    state: () => ({ breaker: 'closed' }),
  }
}

async function* sse(
  message: string,
  signal: AbortSignal,
  onFlood: (characters: number) => void,
): AsyncGenerator<Buffer> {
  while (message === 'flood' && !signal.aborted) {
    onFlood(FLOOD_PIECE.length)
    yield event('delta', { text: FLOOD_PIECE })
  }
  for (const word of message.match(/\S+\s*/g) ?? []) yield event('delta', { text: word })
  if (message === 'hold') await once(signal, 'abort')
  yield event('done', { response: message, model: 'echo', provider: 'test' })
}

function event(name: string, data: object): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

export type Voice = TestService & { readonly url: string; readonly gateway: EchoGateway }

/** A real pipecat on a port of its own; stopped after the tests of the file. */
export async function voice(
  config: Record<string, unknown> = {},
  home?: string,
  clock?: Clock,
): Promise<Voice> {
  const gateway = echoGateway()
  const options = {
    config,
    neighbours: gateway,
    ...(home === undefined ? {} : { home }),
    ...(clock === undefined ? {} : { clock }),
  }
  const started = await startForTest(service, options)
  stops.push(() => started.stop())
  return { ...started, gateway }
}

/** The same behind API keys, by the name of their holder. */
export async function voiceWithKeys(keys: Readonly<Record<string, string>>): Promise<Voice> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-voice-keys-'))
  const apiKeys = Object.entries(keys).map(([name, key]) => ({ name, sha256: sha256(key).toString('hex') }))
  await mkdir(join(home, 'config'))
  await writeFile(join(home, 'config', 'sonia.json'), JSON.stringify({ api_keys: apiKeys }))
  const started = await voice({}, home)
  stops.push(() => rm(home, { recursive: true, force: true }))
  return started
}

export interface Frame {
  readonly type: string
  readonly seq: number
  readonly data: Record<string, unknown>
}

/** A client that can be asked for its next frame; nothing waits on a clock. */
export class Client {
  readonly socket: WebSocket
  /** Sound that came, in order. */
  readonly audio: Buffer[] = []
  readonly #frames: Frame[] = []
  #error = ''
  #wake: (() => void) | null = null
  readonly closed: Promise<number>

  constructor(url: string, id: string, query = '') {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/ws/${id}${query}`)
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) {
        this.audio.push(data as Buffer)
        return
      }
      this.#frames.push(JSON.parse((data as Buffer).toString('utf8')) as Frame)
      this.#wake?.()
    })
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code) => {
        resolve(code)
        this.#wake?.()
      })
    })
    this.socket.on('error', (error) => {
      this.#error = error.message
    })
  }

  async next(type?: string): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined && (type === undefined || frame.type === type)) return frame
      if (frame?.type === 'ERROR')
        throw new Error(`instead of ${type ?? 'a frame'}: ${JSON.stringify(frame.data)}`)
      if (frame !== undefined) continue
      if (this.socket.readyState === WebSocket.CLOSED) {
        throw new Error(`closed before ${type ?? 'a frame'}: ${this.#error}`)
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Whether the socket opened; false where it was refused or closed at once. */
  async opened(): Promise<boolean> {
    return Promise.race([once(this.socket, 'open').then(() => true), this.closed.then(() => false)])
  }

  send(type: string, data: object = {}): void {
    this.socket.send(JSON.stringify({ type, data }))
  }
}

export async function startSession(service: Voice): Promise<string> {
  const answer = await service.app.inject({
    method: 'POST',
    url: '/session/start',
    payload: { user_id: 'ada' },
  })
  assert.equal(answer.statusCode, 200)
  return answer.json<{ data: { session_id: string } }>().data.session_id
}

export async function connected(
  service: Voice,
  query = '',
  id?: string,
): Promise<{ client: Client; id: string }> {
  const sessionId = id ?? (await startSession(service))
  const client = new Client(service.url, sessionId, query)
  await client.next('STATUS')
  return { client, id: sessionId }
}

export async function metric(service: Voice, line: string): Promise<string | undefined> {
  const { body } = await service.app.inject({ url: '/metrics' })
  return body
    .split('\n')
    .find((text) => text.startsWith(line))
    ?.split(' ')[1]
}

export async function refusedUpgrade(
  url: string,
  id: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  return (await refusal(url, id, headers)).status
}

/** The answer to an upgrade that is refused. */
export async function refusal(
  url: string,
  id: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly error: { code: string; message: string } }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/${id}`, { headers })
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  const { error } = JSON.parse(await text(response)) as { error: { code: string; message: string } }
  return { status: response.statusCode ?? 0, error }
}

/** The server may learn of a lost connection a moment after its client: 409 until then. */
export async function reconnected(service: Voice, id: string, lastSeq: number): Promise<Client> {
  for (;;) {
    const back = new Client(service.url, id, `?last_seq=${lastSeq}`)
    if (await back.opened()) return back
  }
}

const BYTES_A_MS = 32

export function pcmSilence(ms: number): Buffer {
  return Buffer.alloc(ms * BYTES_A_MS)
}

/** A tone as loud as a person who speaks. */
export function pcmTone(ms: number): Buffer {
  const bytes = pcmSilence(ms)
  for (let index = 0; index * 2 < bytes.length; index += 1) {
    bytes.writeInt16LE(Math.round(8_000 * Math.sin(index / 5)), index * 2)
  }
  return bytes
}
