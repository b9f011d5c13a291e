import { withContext } from '../context.ts'
import type { ModelCall } from '../provider.ts'
import { type ChatMessage, isRecord, textOf } from '../wire.ts'

/** A chat request in the format of Anthropic's Messages API. */
export function messagesRequest(call: ModelCall, stream: boolean): Record<string, unknown> {
  const messages = withContext(call.messages, call.context)
  const system = messages.filter(isSystem).map(textOf).join('\n\n')
  return {
    model: call.model,
    max_tokens: call.outputTokensMax,
    messages: mergeTurns(messages.filter((message) => !isSystem(message)).map(turnOf)),
    stream,
    ...(system === '' ? {} : { system }),
    ...samplingOf(call.body),
    ...toolsOf(call.body),
  }
}

interface WireTurn {
  readonly role: 'user' | 'assistant'
  readonly content: readonly Record<string, unknown>[]
}

function isSystem({ role }: ChatMessage): boolean {
  return role === 'system' || role === 'developer'
}

function turnOf(message: ChatMessage): WireTurn {
  if (message.role === 'tool') {
    const result = { type: 'tool_result', tool_use_id: message.tool_call_id ?? '', content: textOf(message) }
    return { role: 'user', content: [result] }
  }
  const role = message.role === 'assistant' ? 'assistant' : 'user'
  return { role, content: [...blocksOf(message), ...(message.tool_calls ?? []).flatMap(toolUseOf)] }
}

/** Empty text blocks are an error there. */
function blocksOf({ content }: ChatMessage): Record<string, unknown>[] {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])
  return parts.flatMap((part) => {
    if (part.type === 'image_url') return imageOf(part)
    return part.text === undefined || part.text === '' ? [] : [{ type: 'text', text: part.text }]
  })
}

function imageOf(part: object): Record<string, unknown>[] {
  const image = 'image_url' in part && isRecord(part.image_url) ? part.image_url['url'] : undefined
  if (typeof image !== 'string') return []
  const data = /^data:([\w/+.-]+);base64,(.*)$/s.exec(image)
  const source =
    data === null ? { type: 'url', url: image } : { type: 'base64', media_type: data[1], data: data[2] }
  return [{ type: 'image', source }]
}

function toolUseOf(call: unknown): Record<string, unknown>[] {
  if (!isRecord(call) || !isRecord(call['function'])) return []
  const { name, arguments: args } = call['function']
  return [{ type: 'tool_use', id: call['id'], name, input: parseArguments(args) }]
}

/** Arguments a model wrote may be broken; they are shown to it again as text instead of failing the turn. */
function parseArguments(text: unknown): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(String(text))
    return isRecord(value) ? value : { value }
  } catch {
    return { text }
  }
}

/** Results of several tools of one turn must stand in one message. */
function mergeTurns(turns: readonly WireTurn[]): WireTurn[] {
  const merged: WireTurn[] = []
  for (const turn of turns) {
    const last = merged.at(-1)
    if (turn.content.length === 0) continue
    if (last?.role !== turn.role) merged.push(turn)
    else merged.splice(-1, 1, { ...last, content: [...last.content, ...turn.content] })
  }
  return merged
}

function samplingOf(body: ModelCall['body'] & { readonly top_p?: unknown; readonly stop?: unknown }) {
  const { temperature, top_p: topP, stop } = body
  return {
    // Their scale ends at 1.
    ...(typeof temperature === 'number' ? { temperature: Math.min(temperature, 1) } : {}),
    ...(typeof topP === 'number' ? { top_p: topP } : {}),
    ...(stop === undefined || stop === null ? {} : { stop_sequences: [stop].flat() }),
  }
}

function toolsOf(body: ModelCall['body'] & { readonly tool_choice?: unknown }) {
  if (body.tools === undefined || body.tools.length === 0) return {}
  const tools = body.tools.map(({ function: { name, ...rest } }) => {
    const { description, parameters } = rest as { description?: unknown; parameters?: unknown }
    return {
      name,
      input_schema: parameters ?? { type: 'object' },
      ...(description === undefined ? {} : { description }),
    }
  })
  const choice = toolChoiceOf(body.tool_choice)
  return choice === null ? { tools } : { tools, tool_choice: choice }
}

const CHOICES: Readonly<Record<string, string>> = { auto: 'auto', required: 'any', none: 'none' }

function toolChoiceOf(choice: unknown): Record<string, unknown> | null {
  if (typeof choice === 'string') return CHOICES[choice] === undefined ? null : { type: CHOICES[choice] }
  if (!isRecord(choice) || !isRecord(choice['function'])) return null
  return { type: 'tool', name: choice['function']['name'] }
}
