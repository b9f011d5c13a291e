import { Readable } from 'node:stream'
import type { ServiceName } from '#catalog'
import { ServiceError } from '#chassis/errors.ts'
import type { NeighbourRequest, Neighbours } from '#chassis/neighbours.ts'

export interface SeenCall {
  readonly to: ServiceName
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

export type Reply = (request: SeenCall) => object | Promise<object>

/** Neighbours that answer from a table of "service path"; what is not in it is down. Streams are given as text. */
export function cannedNeighbours(
  replies: Readonly<Record<string, Reply>>,
): Neighbours & { readonly seen: SeenCall[] } {
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
      const { text } = (await answer(to, request)) as { text: string }
      return { status: 200, headers: {}, body: Readable.from([Buffer.from(text)], { objectMode: false }) }
    },
    state: () => ({ breaker: 'closed' }),
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
