import { isTooDeep } from '#chassis/json-keys.ts'
import { QUIET_PART, type StreamPart } from '../provider.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord, readUsage } from '../wire.ts'
import type { SseUnit } from './sse-parser.ts'

/** What one server-sent unit of an OpenAI stream means. Throws UpstreamFault for what is no chunk. */
export function readChunk(unit: SseUnit): StreamPart {
  if (unit.data === null) return { ...QUIET_PART, raw: unit.raw }
  if (unit.data === '[DONE]') return { ...QUIET_PART, raw: unit.raw, isEnd: true }
  const chunk = parseChunk(unit.data)
  const usage = readUsage(chunk['usage'])
  const choices = chunk['choices']
  if (!Array.isArray(choices)) throw new UpstreamFault('malformed', 'stream chunk without choices')
  const part = { ...QUIET_PART, raw: unit.raw, chunk, usage }
  return choices.reduce<StreamPart>((sum, choice) => mergeChoice(sum, choice), part)
}

function parseChunk(data: string): Record<string, unknown> {
  const chunk = parseJson(data)
  if (!isRecord(chunk)) throw new UpstreamFault('malformed', 'stream chunk is not an object')
  if (isTooDeep(chunk)) throw new UpstreamFault('malformed', 'stream chunk nests too deep')
  if (chunk['error'] !== undefined && chunk['error'] !== null) {
    throw new UpstreamFault('server_error', 'provider reported an error in its stream')
  }
  return chunk
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    // The parser's message quotes the text, which must not reach the log.
    throw new UpstreamFault('malformed', 'stream chunk is not JSON')
  }
}

function mergeChoice(part: StreamPart, choice: unknown): StreamPart {
  if (!isRecord(choice)) throw new UpstreamFault('malformed', 'stream choice is not an object')
  const delta = isRecord(choice['delta']) ? choice['delta'] : {}
  const text = typeof delta['content'] === 'string' ? delta['content'] : ''
  const beginsToolCall = Array.isArray(delta['tool_calls']) && delta['tool_calls'].length > 0
  const isFinished = typeof choice['finish_reason'] === 'string'
  return {
    ...part,
    text: part.text + text,
    hasToken: part.hasToken || text !== '' || beginsToolCall || isFinished || hasReasoning(delta),
    beginsToolCall: part.beginsToolCall || beginsToolCall,
    isFinished: part.isFinished || isFinished,
  }
}

/** Thoughts shown before the answer, under the names that vLLM, DeepSeek and OpenRouter give them. */
function hasReasoning(delta: Record<string, unknown>): boolean {
  const reasoning = delta['reasoning_content'] ?? delta['reasoning']
  return typeof reasoning === 'string' && reasoning !== ''
}
