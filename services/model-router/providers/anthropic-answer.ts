import type { Completion } from '../provider.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord, isTokenCount, type Usage } from '../wire.ts'

/** An answer of the Messages API in OpenAI's format. */
export function completionOf(answer: Record<string, unknown>, created: number): Completion {
  const { content, id, model } = answer
  if (!Array.isArray(content)) throw new UpstreamFault('malformed', 'answer without content')
  const blocks = content.filter(isRecord)
  const text = blocks.map((block) => (block['type'] === 'text' ? String(block['text']) : '')).join('')
  const toolCalls = blocks.filter((block) => block['type'] === 'tool_use').map(toolCallOf)
  const usage = usageOf(answer['usage'])
  const message = {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  }
  const choice = { index: 0, message, finish_reason: finishReasonOf(answer['stop_reason']) }
  return {
    body: { id, object: 'chat.completion', created, model, choices: [choice], ...wireUsage(usage) },
    usage,
  }
}

function toolCallOf(block: Record<string, unknown>) {
  const { id, name, input } = block
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } }
}

export function usageOf(value: unknown): Usage | null {
  if (!isRecord(value)) return null
  const { input_tokens: inputTokens, output_tokens: outputTokens } = value
  if (!isTokenCount(inputTokens) || !isTokenCount(outputTokens)) return null
  return { inputTokens: inputTokens + cachedTokens(value), outputTokens }
}

/** Counted apart there, part of the prompt here. */
function cachedTokens(usage: Record<string, unknown>): number {
  const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage
  return (isTokenCount(read) ? read : 0) + (isTokenCount(written) ? written : 0)
}

export function wireUsage(usage: Usage | null) {
  if (usage === null) return {}
  const { inputTokens, outputTokens } = usage
  const total = inputTokens + outputTokens
  return { usage: { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: total } }
}

const FINISH_REASONS: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

export function finishReasonOf(stopReason: unknown): string {
  return FINISH_REASONS[String(stopReason)] ?? 'stop'
}
