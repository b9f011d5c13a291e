import type { Readable } from 'node:stream'
import type { CallContext } from '#chassis/call-context.ts'
import { isErrorCode, ServiceError } from '#chassis/errors.ts'
import { eventsIn, jsonIn } from '#chassis/event-source.ts'
import type { Neighbours } from '#chassis/neighbours.ts'

/** An OpenAI chat completion request as the router takes it; what the gateway does not know passes through. */
export interface CompletionRequest {
  readonly messages: readonly object[]
  readonly model?: string
  readonly stream?: boolean
  readonly tools?: readonly object[]
  readonly sonia?: {
    readonly context?: readonly { readonly id: string; readonly content: string }[]
    readonly profile?: string
  }
}

/** What the router adds to the OpenAI format about its choice. */
export interface RouterNote {
  readonly provider?: string
  readonly stand_in?: boolean
  readonly reason_code?: string
}

export interface ToolCall {
  readonly id: string
  readonly function: { readonly name: string; readonly arguments: string }
}

export interface Completion {
  readonly model: string
  readonly choices: readonly {
    readonly finish_reason?: string | null
    readonly message?: { readonly content?: string | null; readonly tool_calls?: readonly ToolCall[] }
  }[]
  readonly sonia?: RouterNote
}

/** One piece of a streamed answer. */
export interface CompletionChunk {
  readonly model?: string
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[]
  readonly sonia?: RouterNote
  readonly error?: { readonly code?: unknown; readonly message?: unknown }
}

export interface StreamedCompletion {
  readonly body: Readable
  /** Known before the first byte, as the answer itself tells it. */
  readonly reasonCode: string | undefined
}

const PATH = '/v1/chat/completions'

/** The gateway's side of model-router. */
export function createRouter(neighbours: Neighbours, timeoutMs: number) {
  return {
    async complete(body: CompletionRequest, call: CallContext): Promise<Completion> {
      const answer = await neighbours.call<Completion>(
        'model-router',
        { method: 'POST', path: PATH, body: { ...body, stream: false }, timeoutMs },
        call,
      )
      return answer.body
    },
    async stream(body: CompletionRequest, call: CallContext): Promise<StreamedCompletion> {
      const answer = await neighbours.stream(
        'model-router',
        { method: 'POST', path: PATH, body: { ...body, stream: true }, timeoutMs },
        call,
      )
      return { body: answer.body, reasonCode: answer.headers['x-sonia-reason-code'] }
    },
    async models(call: CallContext): Promise<object> {
      const answer = await neighbours.call<object>(
        'model-router',
        { method: 'GET', path: '/v1/models', idempotent: true },
        call,
      )
      return answer.body
    },
  }
}

export type Router = ReturnType<typeof createRouter>

/** What a choice of the router means for the caller, or null where the preferred provider answered. */
export function degradedBy(reasonCode: string | undefined): string | null {
  if (reasonCode === undefined || reasonCode === 'PROFILE_MATCH') return null
  return `the preferred model provider was not used (${reasonCode})`
}

/**
 * The chunks of a streamed completion, ending at `[DONE]`.
 * Throws the router's typed error where the stream carries one, and UNAVAILABLE where it breaks off without an end.
 */
export async function* chunksOf(body: Readable): AsyncGenerator<CompletionChunk> {
  for await (const event of eventsIn(body)) {
    if (event.data === '[DONE]') return
    yield checked(jsonIn<CompletionChunk>(event))
  }
  throw new ServiceError('UNAVAILABLE', 'The answer broke off before its end')
}

/** The text of a chunk, which may be empty. Throws UNAVAILABLE where something else stands in its place. */
export function deltaOf({ choices }: CompletionChunk): string {
  const content: unknown = choices?.[0]?.delta?.content ?? ''
  if (typeof content === 'string') return content
  throw new ServiceError('UNAVAILABLE', 'The model gave no text')
}

function checked(chunk: CompletionChunk): CompletionChunk {
  if (chunk.error === undefined) return chunk
  const { code, message } = chunk.error
  throw new ServiceError(
    isErrorCode(code) ? code : 'UNAVAILABLE',
    typeof message === 'string' ? message : 'The model failed in the middle of its answer',
  )
}
