import { parseInstant, parseRange } from './prometheus-answer.ts'
import type { AnswerFault, InstantAnswer, RangeAnswer } from './types.ts'

export interface PrometheusClientOptions {
  readonly url: string
  readonly timeoutMs?: number
  /** An answer larger than this is dropped unread. */
  readonly answerBytesMax?: number
  readonly signal?: AbortSignal
}

export interface PrometheusClient {
  instant(query: string, time: number): Promise<InstantAnswer>
  range(query: string, window: { start: number; end: number; step: number }): Promise<RangeAnswer>
}

/** Never throws for what Prometheus does: whatever is not a clean, whole answer is a fault in the answer. */
export function prometheusClient(options: PrometheusClientOptions): PrometheusClient {
  return {
    async instant(query, time) {
      const body = await post(options, 'query', { query, time: String(time) })
      return { kind: 'instant', query, time, ...parseInstant(body) }
    },
    async range(query, { start, end, step }) {
      const parameters = { query, start: String(start), end: String(end), step: String(step) }
      const body = await post(options, 'query_range', parameters)
      return { kind: 'range', query, start, end, step, ...parseRange(body) }
    },
  }
}

/** Body of an answer, whatever its status, or why there is none. */
export type AnswerBody = { readonly body: string } | { readonly fault: AnswerFault }

const TIMEOUT_MS = 30_000
const ANSWER_BYTES_MAX = 32 * 1024 * 1024

async function post(
  options: PrometheusClientOptions,
  endpoint: string,
  parameters: Readonly<Record<string, string>>,
): Promise<AnswerBody> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal])
  try {
    const response = await fetch(`${options.url}/api/v1/${endpoint}`, {
      method: 'POST',
      body: new URLSearchParams({ ...parameters, timeout: `${timeoutMs}ms` }),
      redirect: 'error',
      signal,
    })
    return await readBounded(response, options.answerBytesMax ?? ANSWER_BYTES_MAX)
  } catch {
    // Which socket error it was is the machine's business, not the verdict's.
    if (timeout.aborted) return fault('timeout', `no answer within ${timeoutMs} ms`)
    return fault('unreachable', 'Prometheus did not answer')
  }
}

async function readBounded(response: Response, bytesMax: number): Promise<AnswerBody> {
  if (response.body === null) return fault('malformed', 'the answer has no body')
  const decoder = new TextDecoder()
  let body = ''
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) return fault('too_large', `the answer is larger than ${bytesMax} bytes`)
    body += decoder.decode(chunk, { stream: true })
  }
  return { body: body + decoder.decode() }
}

function fault(kind: AnswerFault['kind'], message: string): AnswerBody {
  return { fault: { kind, message } }
}
