import type { ProviderConfig } from '../config.ts'
import { withContext } from '../context.ts'
import type { Completion, EmbeddingCall, ModelCall, ModelEntry, Provider } from '../provider.ts'
import { readChunk } from '../streaming/chunk.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord, readUsage } from '../wire.ts'
import { readJsonBody } from './answer-body.ts'
import { type AttemptOptions, runAttempt, streamAttempt } from './attempt.ts'
import { readSseParts } from './sse-body.ts'
import { createUpstream, type UpstreamOptions } from './upstream.ts'

/** Any endpoint that speaks OpenAI's format: OpenAI, Ollama, vLLM, llama.cpp, OpenRouter and others. */
export function createOpenAiProvider(options: {
  id: string
  models: readonly ModelEntry[]
  upstream: UpstreamOptions
  outputLimitField: ProviderConfig['output_limit_field']
}): Provider {
  const upstream = createUpstream(options.upstream)

  async function postForJson(path: string, call: AttemptOptions, body: unknown) {
    return runAttempt(call, 'complete_timeout', async (watch) =>
      readJsonBody(await upstream.whole({ path, body, watch })),
    )
  }

  return {
    id: options.id,
    kind: 'openai',
    models: options.models,
    async complete(call) {
      const body = await postForJson(
        '/chat/completions',
        call,
        requestBody(call, false, options.outputLimitField),
      )
      return readCompletion(body)
    },
    stream: (call) =>
      streamAttempt(call, async (watch) => {
        const response = await upstream.stream({
          path: '/chat/completions',
          body: requestBody(call, true, options.outputLimitField),
          watch,
        })
        return { body: response.body, parts: readSseParts(response.body, readChunk, watch, call.timeouts) }
      }),
    embed: (call: EmbeddingCall) => postForJson('/embeddings', call, { ...call.body, model: call.model }),
    close: () => upstream.close(),
  }
}

function requestBody(
  call: ModelCall,
  stream: boolean,
  limitField: ProviderConfig['output_limit_field'],
): Record<string, unknown> {
  const { body, model, outputTokensMax } = call
  const hasLimit = typeof body.max_tokens === 'number' || typeof body.max_completion_tokens === 'number'
  return {
    ...body,
    ...(hasLimit || limitField === 'none' ? {} : { [limitField]: outputTokensMax }),
    model,
    messages: withContext(call.messages, call.context),
    stream,
  }
}

/** What no client could read as an answer goes to the next candidate; fields the format does not name pass through. */
function readCompletion(body: Record<string, unknown>): Completion {
  const choices: unknown = body['choices']
  if (!Array.isArray(choices) || choices.length === 0) {
    throw new UpstreamFault('malformed', 'answer without choices')
  }
  if (!choices.every(holdsMessage)) throw new UpstreamFault('malformed', 'answer without a message')
  return { body, usage: readUsage(body['usage']) }
}

function holdsMessage(choice: unknown): boolean {
  if (!isRecord(choice) || !isRecord(choice['message'])) return false
  const { content = null, tool_calls: toolCalls = null } = choice['message']
  const hasContent = content === null || typeof content === 'string' || Array.isArray(content)
  return hasContent && (toolCalls === null || (Array.isArray(toolCalls) && toolCalls.every(isToolCall)))
}

function isToolCall(call: unknown): boolean {
  return isRecord(call) && isRecord(call['function']) && typeof call['function']['name'] === 'string'
}
