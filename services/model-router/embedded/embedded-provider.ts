import { type ModelCall, type Provider, QUIET_PART, type StreamPart } from '../provider.ts'
import { formatSse, SSE_DONE } from '../streaming/sse-parser.ts'
import { estimateTokens } from '../tokens.ts'
import { CallerGone } from '../upstream-fault.ts'
import { textOf, type Usage } from '../wire.ts'
import { answerFrom, type EmbeddedAnswer } from './answer.ts'

export const EMBEDDED_ID = 'embedded'
export const EMBEDDED_MODEL = 'extractive'

/** Answers without weights or network, so that the stack works out of the box. It never claims to be a model. */
export function createEmbeddedProvider(options: { nowMs: () => number }): Provider {
  const createdAt = () => Math.floor(options.nowMs() / 1000)
  return {
    id: EMBEDDED_ID,
    kind: 'embedded',
    models: [
      { name: EMBEDDED_MODEL, purpose: 'chat', usdPerMillionInputTokens: 0, usdPerMillionOutputTokens: 0 },
    ],
    complete(call) {
      const answer = answerOf(call)
      const usage = usageOf(call, answer)
      return Promise.resolve({ body: completionBody(call, answer, usage, createdAt()), usage })
    },
    stream: (call) => streamAnswer(call, createdAt()),
    embed: null,
    close: () => Promise.resolve(),
  }
}

function answerOf(call: ModelCall): EmbeddedAnswer {
  const offered = (call.body.tools ?? []).map((tool) => tool.function.name)
  return answerFrom(call.messages, call.context, offered)
}

function usageOf(call: ModelCall, answer: EmbeddedAnswer): Usage {
  const input = call.messages.reduce((sum, message) => sum + textOf(message).length, 0)
  const context = call.context.reduce((sum, { content }) => sum + content.length, 0)
  const output = answer.kind === 'text' ? answer.text : JSON.stringify(answer.call.args)
  return { inputTokens: estimateTokens(input + context), outputTokens: estimateTokens(output.length) }
}

function wireUsage({ inputTokens, outputTokens }: Usage) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  }
}

function messageOf(answer: EmbeddedAnswer, call: ModelCall): Record<string, unknown> {
  if (answer.kind === 'text') return { content: answer.text }
  const { toolName, args } = answer.call
  const toolCall = {
    index: 0,
    id: `call_${call.correlationId}`,
    type: 'function',
    function: { name: toolName, arguments: JSON.stringify(args) },
  }
  return { content: null, tool_calls: [toolCall] }
}

const finishReasonOf = (answer: EmbeddedAnswer) => (answer.kind === 'text' ? 'stop' : 'tool_calls')

function completionBody(call: ModelCall, answer: EmbeddedAnswer, usage: Usage, created: number) {
  const message = { role: 'assistant', ...messageOf(answer, call) }
  return {
    id: `chatcmpl-${call.correlationId}`,
    object: 'chat.completion',
    created,
    model: call.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasonOf(answer) }],
    usage: wireUsage(usage),
  }
}

async function* streamAnswer(call: ModelCall, created: number): AsyncGenerator<StreamPart, void> {
  const answer = answerOf(call)
  const head = {
    id: `chatcmpl-${call.correlationId}`,
    object: 'chat.completion.chunk',
    created,
    model: call.model,
  }
  const part = (delta: unknown, meaning: Partial<StreamPart>, finish: string | null = null): StreamPart => {
    const chunk = { ...head, choices: [{ index: 0, delta, finish_reason: finish }] }
    return { ...QUIET_PART, ...meaning, chunk, raw: formatSse(chunk) }
  }
  yield part({ role: 'assistant', content: answer.kind === 'text' ? '' : null }, {})
  if (answer.kind === 'tool') yield part(messageOf(answer, call), { hasToken: true, beginsToolCall: true })
  for (const text of whilePresent(call, answer.kind === 'text' ? wordsOf(answer.text) : []))
    yield part({ content: text }, { hasToken: true, text })
  const usage = usageOf(call, answer)
  yield part({}, { isFinished: true, hasToken: true, usage }, finishReasonOf(answer))
  yield { ...QUIET_PART, raw: SSE_DONE, isEnd: true }
}

/** Throws CallerGone as soon as nobody waits for the rest. */
function* whilePresent<T>(call: ModelCall, items: readonly T[]): Generator<T, void> {
  let isGone = false
  const unlisten = call.onAbort(() => {
    isGone = true
  })
  try {
    for (const item of items) {
      if (isGone) throw new CallerGone('the caller has gone')
      yield item
    }
  } finally {
    unlisten()
  }
}

/** A few words at a time, so that a client sees the answer grow. */
function wordsOf(text: string): string[] {
  return text.match(/(?:\S+\s*){1,4}|\s+/g) ?? []
}
