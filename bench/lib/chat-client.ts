import { Pool } from 'undici'

/** A client of one door that speaks OpenAI's format (or another, by path and body). Every wrong answer throws. */
export interface ChatClient {
  readonly name: string
  /** Milliseconds until the whole answer was read. */
  whole(): Promise<number>
  /** When each frame of a stream came, in milliseconds since the request. */
  stream(): Promise<readonly number[]>
  close(): Promise<void>
}

export interface Door {
  readonly name: string
  readonly origin: string
  readonly headers: Readonly<Record<string, string>>
  readonly path?: string
  readonly body: object
  readonly connections?: number
}

const CONNECTIONS = 256

export function chatClient(door: Door): ChatClient {
  const pool = new Pool(door.origin, { connections: door.connections ?? CONNECTIONS, pipelining: 1 })
  const post = (body: string) =>
    pool.request({
      method: 'POST',
      path: door.path ?? '/v1/chat/completions',
      headers: { 'content-type': 'application/json', ...door.headers },
      body,
    })
  const wholeBody = JSON.stringify(door.body)
  const streamBody = JSON.stringify({ ...door.body, stream: true })
  return {
    name: door.name,
    async whole() {
      const startedAt = performance.now()
      const { statusCode, body } = await post(wholeBody)
      const text = await body.text()
      const tookMs = performance.now() - startedAt
      if (statusCode !== 200 || !text.includes('You said:')) throw wrong(door, statusCode, text)
      return tookMs
    },
    async stream() {
      const startedAt = performance.now()
      const { statusCode, body } = await post(streamBody)
      const { frames, tail } = await readFrames(body, startedAt)
      if (statusCode !== 200 || !tail.includes('[DONE]')) throw wrong(door, statusCode, tail)
      return frames
    },
    close: () => pool.destroy(),
  }
}

/** Frames that carry text; several may come in one piece, and then they came at one time. */
async function readFrames(body: AsyncIterable<Buffer>, startedAt: number) {
  const frames: number[] = []
  let tail = ''
  for await (const piece of body) {
    const atMs = performance.now() - startedAt
    const units = (tail + piece.toString('latin1')).split('\n\n')
    tail = units.pop() ?? ''
    for (const unit of units) {
      if (unit.includes('"content":"') && !unit.includes('"content":""')) frames.push(atMs)
      if (unit.includes('[DONE]')) tail = unit
    }
  }
  return { frames, tail }
}

function wrong({ name }: Door, status: number, text: string): Error {
  return new Error(`${name} answered ${status} ${text.slice(0, 300)}`)
}

export interface LoadResult {
  readonly perSecond: number
  readonly latenciesMs: readonly number[]
}

/** A closed loop: so many at a time, each asking again as soon as it was answered. An error ends it. */
export async function closedLoop(
  ask: () => Promise<number>,
  concurrency: number,
  durationMs: number,
): Promise<LoadResult> {
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  const endAt = startedAt + durationMs
  const work = async () => {
    while (performance.now() < endAt) latenciesMs.push(await ask())
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return { perSecond: (latenciesMs.length * 1000) / (performance.now() - startedAt), latenciesMs }
}
