/** Deterministic answers in OpenAI's wire format: the same request gives the same bytes. */

export interface WireMessage {
  readonly role: string
  readonly content?: string | readonly { readonly text?: string }[] | null
}

export interface WireRequest {
  readonly model: string
  readonly messages: readonly WireMessage[]
  readonly stream?: boolean
  readonly tools?: readonly { readonly function: { readonly name: string } }[]
  readonly stream_options?: { readonly include_usage?: boolean }
}

/** One piece of a stream; `isToken` marks those that carry something visible. */
export interface Piece {
  readonly bytes: Buffer
  readonly isToken: boolean
}

const CREATED = 1_700_000_000

interface Answer {
  readonly words: readonly string[]
  readonly toolCall: { readonly name: string; readonly arguments: string } | null
}

export function completion(request: WireRequest): Record<string, unknown> {
  const answer = answerTo(request)
  const message =
    answer.toolCall === null
      ? { role: 'assistant', content: answer.words.join('') }
      : { role: 'assistant', content: null, tool_calls: [toolCallOf(answer.toolCall)] }
  const finish = answer.toolCall === null ? 'stop' : 'tool_calls'
  return {
    id: 'chatcmpl-double',
    object: 'chat.completion',
    created: CREATED,
    model: request.model,
    choices: [{ index: 0, message, finish_reason: finish }],
    usage: usageOf(request, answer),
  }
}

export function completionPieces(request: WireRequest): Piece[] {
  const answer = answerTo(request)
  const chunk = (delta: unknown, finish: string | null) =>
    sse({ ...HEAD, model: request.model, choices: [{ index: 0, delta, finish_reason: finish }] })
  const visible =
    answer.toolCall === null
      ? answer.words.map((content) => chunk({ content }, null))
      : [chunk({ tool_calls: [{ index: 0, ...toolCallOf(answer.toolCall) }] }, null)]
  const usage = sse({ ...HEAD, model: request.model, choices: [], usage: usageOf(request, answer) })
  return [
    quiet(chunk({ role: 'assistant', content: '' }, null)),
    ...visible.map((bytes) => ({ bytes, isToken: true })),
    quiet(chunk({}, answer.toolCall === null ? 'stop' : 'tool_calls')),
    ...(request.stream_options?.include_usage === true ? [quiet(usage)] : []),
    quiet(Buffer.from('data: [DONE]\n\n')),
  ]
}

const HEAD = { id: 'chatcmpl-double', object: 'chat.completion.chunk', created: CREATED }

/** "call NAME {json}" asks for that tool, where it is offered; anything else is echoed. */
function answerTo(request: WireRequest): Answer {
  const last = request.messages.at(-1)
  const text = textOf(last)
  const wanted = last?.role === 'user' ? /^call (\S+) (\{.*\})$/s.exec(text) : null
  const isOffered = request.tools?.some((tool) => tool.function.name === wanted?.[1]) === true
  if (wanted !== null && isOffered) {
    return { words: [], toolCall: { name: wanted[1] ?? '', arguments: wanted[2] ?? '{}' } }
  }
  return { words: `You said: ${text}`.match(/\S+\s*/g) ?? [], toolCall: null }
}

export function textOf(message: WireMessage | undefined): string {
  const content = message?.content ?? ''
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(' ')
}

function toolCallOf(call: { name: string; arguments: string }) {
  return { id: 'call_double', type: 'function', function: call }
}

/** One token a word: easy to predict in a test. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}

function usageOf(request: WireRequest, answer: Answer) {
  const promptTokens = request.messages.reduce((sum, message) => sum + countWords(textOf(message)), 0)
  const completionTokens =
    answer.toolCall === null ? answer.words.length : countWords(answer.toolCall.arguments)
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
}

export function sse(data: unknown, event?: string): Buffer {
  return Buffer.from(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`)
}

function quiet(bytes: Buffer): Piece {
  return { bytes, isToken: false }
}
