import { Readable } from 'node:stream'
import { after } from 'node:test'
import type { ServiceName } from '#catalog'
import { ServiceError } from '#chassis/errors.ts'
import type { NeighbourRequest, Neighbours } from '#chassis/neighbours.ts'
import { buildForTest, type TestOptions, type TestService } from '#chassis/testing.ts'
import { service } from './service.ts'

export interface SeenCall {
  readonly to: ServiceName
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

export type Reply = (request: SeenCall) => object | Promise<object>
type Replies = Readonly<Record<string, Reply>>

/** Neighbours that answer from a table of "service path"; what is not in it is down. Streams are given as text. */
function cannedNeighbours(replies: Replies): Neighbours & { readonly seen: SeenCall[] } {
  const seen: SeenCall[] = []
  const answer = async (to: ServiceName, request: NeighbourRequest): Promise<object> => {
    const call = {
      to,
      path: request.path,
      body: (request.body ?? {}) as Record<string, unknown>,
      headers: request.headers ?? {},
    }
    seen.push(call)
    const reply = replies[`${to} ${request.path}`]
    if (reply === undefined) throw new ServiceError('UNAVAILABLE', `${to} is unavailable`)
    return reply(call)
  }
  return {
    seen,
    call: async <T>(to: ServiceName, request: NeighbourRequest) => ({
      status: 200,
      body: (await answer(to, request)) as T,
      headers: {},
      durationMs: 1,
    }),
    stream: async (to, request) => {
      const { text } = (await answer(to, request)) as { text: string | AsyncIterable<string> }
      const pieces = typeof text === 'string' ? [text] : text
      return { status: 200, headers: {}, body: Readable.from(pieces, { objectMode: false }) }
    },
    state: () => ({ breaker: 'closed' }),
  }
}

/** A clock that stands until it is told otherwise. */
export function standingClock() {
  let nowMs = Date.UTC(2026, 10, 24)
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

/** What model-router answers, with the parts that the gateway reads. */
export function completion(content: string, sonia: object = {}): object {
  return {
    model: 'm1',
    choices: [{ finish_reason: 'stop', message: { role: 'assistant', content } }],
    sonia: { provider: 'embedded', stand_in: true, reason_code: 'PROFILE_MATCH', ...sonia },
  }
}

export function toolCompletion(name: string, args: object): object {
  const call = { id: 'call_1', type: 'function', function: { name, arguments: JSON.stringify(args) } }
  return { model: 'm1', choices: [{ message: { content: null, tool_calls: [call] } }] }
}

export function streamText(words: readonly string[], end = 'data: [DONE]\n\n'): { text: string } {
  const chunks = words.map((content) => ({
    model: 'm1',
    choices: [{ delta: { content } }],
    sonia: { provider: 'p1' },
  }))
  return { text: chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + end }
}

const PASSAGES = {
  results: [
    { id: 'mem_1', content: 'The bicycle is red.', score: 2, metadata: { role: 'user' } },
    { id: 'mem_2', content: 'From what I remember ...', score: 1, metadata: { stand_in: true } },
  ],
}
export const ROUTER = 'model-router /v1/chat/completions'
export const MEMORY: Replies = {
  'memory-engine /search': () => PASSAGES,
  'memory-engine /store': () => ({ status: 'stored', id: 'mem_3' }),
}
export const CHAT: Replies = { ...MEMORY, [ROUTER]: () => completion('It is red.') }

/** What openclaw answers after it ran a tool. */
export const EXECUTED: Reply = ({ body }) => ({
  status: 'executed',
  tool_name: body['tool_name'],
  result: { text: 'content' },
  side_effects: [],
})

export const APPROVAL_REQUIRED: Reply = () => {
  throw new ServiceError('FORBIDDEN', 'A person must approve this', {
    details: {
      reason: 'APPROVAL_REQUIRED',
      approval_request: { token_id: 'apr_1', summary: 'rm', ttl_seconds: 120 },
    },
  })
}

const stops: (() => Promise<void>)[] = []
after(async () => {
  for (const stop of stops) await stop()
})

export interface Gateway extends TestService {
  readonly seen: ReturnType<typeof cannedNeighbours>['seen']
  readonly post: (url: string, payload?: object) => Promise<Answer>
}

interface Answer {
  readonly status: number
  readonly body: {
    readonly ok?: boolean
    readonly data?: Record<string, unknown> | null
    readonly error?: { readonly code: string; readonly details?: Record<string, unknown> } | null
    readonly warning?: { readonly code: string }
    readonly [field: string]: unknown
  }
}

/** A gateway in front of neighbours that answer from a table; stopped at the end of the file. */
export async function gateway(
  replies: Replies,
  config: Record<string, unknown> = {},
  around: Pick<TestOptions, 'home' | 'clock' | 'loopDelayMs'> = {},
): Promise<Gateway> {
  const neighbours = cannedNeighbours(replies)
  const built = await buildForTest(service, { neighbours, config, ...around })
  stops.push(() => built.stop())
  return {
    ...built,
    seen: neighbours.seen,
    post: async (url, payload) => {
      const answer = await built.app.inject({
        method: 'POST',
        url,
        ...(payload === undefined ? {} : { payload }),
      })
      return { status: answer.statusCode, body: answer.json() }
    },
  }
}
