import { countWords, type Piece, sse, textOf, type WireMessage } from './openai-answers.ts'

/** The same deterministic answers in the format of Anthropic's Messages API. */

export interface MessagesRequest {
  readonly model: string
  readonly messages: readonly WireMessage[]
  readonly system?: string
  readonly stream?: boolean
  readonly tools?: readonly { readonly name: string }[]
}

type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown }

export function message(request: MessagesRequest): Record<string, unknown> {
  const block = blockFor(request)
  return {
    ...head(request),
    content: [block],
    stop_reason: stopReason(block),
    usage: { input_tokens: inputTokens(request), output_tokens: outputTokens(block) },
  }
}

export function messagePieces(request: MessagesRequest): Piece[] {
  const block = blockFor(request)
  const event = (name: string, data: object, isToken = false): Piece => ({
    bytes: sse({ type: name, ...data }, name),
    isToken,
  })
  const usage = { input_tokens: inputTokens(request), output_tokens: 0 }
  const empty = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} }
  return [
    event('message_start', { message: { ...head(request), content: [], stop_reason: null, usage } }),
    event('content_block_start', { index: 0, content_block: empty }, block.type === 'tool_use'),
    event('ping', {}),
    ...deltasOf(block).map((delta) => event('content_block_delta', { index: 0, delta }, true)),
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: stopReason(block) },
      usage: { output_tokens: outputTokens(block) },
    }),
    event('message_stop', {}),
  ]
}

function head({ model }: MessagesRequest) {
  return { id: 'msg_double', type: 'message', role: 'assistant', model }
}

function blockFor(request: MessagesRequest): Block {
  const text = lastText(request)
  const wanted = /^call (\S+) (\{.*\})$/s.exec(text)
  const isOffered = request.tools?.some(({ name }) => name === wanted?.[1]) === true
  if (wanted === null || !isOffered) return { type: 'text', text: `You said: ${text}` }
  return {
    type: 'tool_use',
    id: 'toolu_double',
    name: wanted[1] ?? '',
    input: JSON.parse(wanted[2] ?? '{}') as unknown,
  }
}

function lastText({ messages }: MessagesRequest): string {
  return textOf(messages.at(-1))
}

function deltasOf(block: Block): object[] {
  if (block.type === 'tool_use')
    return [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input) }]
  return (block.text.match(/\S+\s*/g) ?? []).map((text) => ({ type: 'text_delta', text }))
}

function stopReason(block: Block): string {
  return block.type === 'text' ? 'end_turn' : 'tool_use'
}

function inputTokens(request: MessagesRequest): number {
  const said = request.messages.reduce((sum, each) => sum + countWords(textOf(each)), 0)
  return said + countWords(request.system ?? '')
}

function outputTokens(block: Block): number {
  return block.type === 'text' ? countWords(block.text) : countWords(JSON.stringify(block.input))
}
