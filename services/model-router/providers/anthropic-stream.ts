import { isTooDeep } from '#chassis/json-keys.ts'
import { QUIET_PART, type StreamPart } from '../provider.ts'
import { formatSse, SSE_DONE, type SseUnit } from '../streaming/sse-parser.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord } from '../wire.ts'
import { finishReasonOf, usageOf, wireUsage } from './anthropic-answer.ts'

type Data = Readonly<Record<string, unknown>>

interface ReaderOptions {
  readonly created: number
  readonly model: string
  /** The client asked for a last chunk with the usage. */
  readonly includeUsage: boolean
}

/** Translates the events of one streamed message into chunks of OpenAI's format. One reader for one stream. */
export function createAnthropicReader(options: ReaderOptions): (unit: SseUnit) => StreamPart {
  let id: unknown = 'msg'
  let input: Data = {}
  let usage: StreamPart['usage'] = null
  const toolIndexOfBlock = new Map<unknown, number>()

  function chunk(choices: readonly object[], extra: object = {}): Data {
    const { created, model } = options
    return { id, object: 'chat.completion.chunk', created, model, choices, ...extra }
  }

  function part(delta: object, meaning: Partial<StreamPart>, finish: string | null = null): StreamPart {
    const data = chunk([{ index: 0, delta, finish_reason: finish }])
    return { ...QUIET_PART, ...meaning, chunk: data, raw: formatSse(data) }
  }

  function start(data: Data): StreamPart {
    const message = recordOf(data['message'])
    id = message['id']
    input = recordOf(message['usage'])
    return part({ role: 'assistant', content: '' }, {})
  }

  function startBlock(data: Data): StreamPart {
    const block = recordOf(data['content_block'])
    if (block['type'] !== 'tool_use') return QUIET_PART
    const index = toolIndexOfBlock.size
    toolIndexOfBlock.set(data['index'], index)
    const call = {
      index,
      id: block['id'],
      type: 'function',
      function: { name: block['name'], arguments: '' },
    }
    return part({ tool_calls: [call] }, { hasToken: true, beginsToolCall: true })
  }

  function addToBlock(data: Data): StreamPart {
    const change = changeOf(recordOf(data['delta']), toolIndexOfBlock.get(data['index']) ?? 0)
    return change === null ? QUIET_PART : part(change.delta, change.meaning)
  }

  function finish(data: Data): StreamPart {
    usage = usageOf({ ...input, ...recordOf(data['usage']) })
    const reason = finishReasonOf(recordOf(data['delta'])['stop_reason'])
    return part({}, { hasToken: true, isFinished: true, usage }, reason)
  }

  function stop(): StreamPart {
    const last = options.includeUsage ? [formatSse(chunk([], wireUsage(usage)))] : []
    return { ...QUIET_PART, isEnd: true, raw: Buffer.concat([...last, SSE_DONE]) }
  }

  const readers: Readonly<Record<string, (data: Data) => StreamPart>> = {
    message_start: start,
    content_block_start: startBlock,
    content_block_delta: addToBlock,
    message_delta: finish,
    message_stop: stop,
    error: refuse,
  }
  return (unit) => {
    if (unit.data === null) return QUIET_PART
    const data = parseEvent(unit.data)
    const type = String(data['type'])
    // New kinds of events are to be ignored (their versioning policy); ping is one of them.
    return Object.hasOwn(readers, type) ? (readers[type]?.(data) ?? QUIET_PART) : QUIET_PART
  }
}

/** What one delta of a block is in the other format; null for kinds that have no place there. */
function changeOf(delta: Data, toolIndex: number): { delta: object; meaning: Partial<StreamPart> } | null {
  switch (delta['type']) {
    case 'text_delta': {
      const text = String(delta['text'])
      return { delta: { content: text }, meaning: { text, hasToken: text !== '' } }
    }
    case 'thinking_delta':
      return { delta: { reasoning_content: delta['thinking'] }, meaning: { hasToken: true } }
    case 'input_json_delta': {
      const call = { index: toolIndex, function: { arguments: delta['partial_json'] } }
      return { delta: { tool_calls: [call] }, meaning: { hasToken: true, beginsToolCall: true } }
    }
    default:
      return null
  }
}

function refuse(): never {
  throw new UpstreamFault('server_error', 'provider reported an error in its stream')
}

function parseEvent(text: string): Data {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    throw new UpstreamFault('malformed', 'stream event is not JSON')
  }
  if (!isRecord(data)) throw new UpstreamFault('malformed', 'stream event is not an object')
  if (isTooDeep(data)) throw new UpstreamFault('malformed', 'stream event nests too deep')
  return data
}

function recordOf(value: unknown): Data {
  if (!isRecord(value)) throw new UpstreamFault('malformed', 'stream event lacks a part')
  return value
}
