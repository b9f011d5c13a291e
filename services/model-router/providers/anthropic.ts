import type { ModelCall, ModelEntry, Provider } from '../provider.ts'
import { isRecord } from '../wire.ts'
import { completionOf } from './anthropic-answer.ts'
import { messagesRequest } from './anthropic-request.ts'
import { createAnthropicReader } from './anthropic-stream.ts'
import { readJsonBody } from './answer-body.ts'
import { runAttempt, streamAttempt } from './attempt.ts'
import { readSseParts } from './sse-body.ts'
import { createUpstream, type UpstreamOptions } from './upstream.ts'
import type { Watch } from './watch.ts'

const API_VERSION = '2023-06-01'

export function anthropicHeaders(key: string | null): Record<string, string> {
  return { 'anthropic-version': API_VERSION, ...(key === null ? {} : { 'x-api-key': key }) }
}

/** Anthropic's Messages API, seen from outside as OpenAI's format. */
export function createAnthropicProvider(options: {
  id: string
  models: readonly ModelEntry[]
  upstream: UpstreamOptions
  nowMs: () => number
}): Provider {
  const upstream = createUpstream(options.upstream)
  const created = () => Math.floor(options.nowMs() / 1000)
  const sent = (call: ModelCall, stream: boolean, watch: Watch) => ({
    path: '/messages',
    body: messagesRequest(call, stream),
    watch,
  })

  return {
    id: options.id,
    kind: 'anthropic',
    models: options.models,
    complete: (call) =>
      runAttempt(call, 'complete_timeout', async (watch) => {
        const body = await upstream.whole(sent(call, false, watch))
        return completionOf(readJsonBody(body), created())
      }),
    stream: (call) =>
      streamAttempt(call, async (watch) => {
        const { body } = await upstream.stream(sent(call, true, watch))
        const read = createAnthropicReader({
          created: created(),
          model: call.model,
          includeUsage: wantsUsage(call.body),
        })
        return { body, parts: readSseParts(body, read, watch, call.timeouts) }
      }),
    embed: null,
    close: () => upstream.close(),
  }
}

function wantsUsage(body: ModelCall['body'] & { readonly stream_options?: unknown }): boolean {
  return isRecord(body.stream_options) && body.stream_options['include_usage'] === true
}
