import type { Span } from '@opentelemetry/api'
import type { CallContext } from './call-context.ts'
import type { Destination } from './destination.ts'
import { ServiceError } from './errors.ts'
import { OutOfTime } from './neighbour-errors.ts'
import type { NeighbourParts, NeighbourRequest } from './neighbours.ts'
import { startClientSpan } from './tracing.ts'

const DEFAULT_TIMEOUT_MS = 10_000

/** Span, time limit and abort of one attempt. */
export interface OnwardExchange {
  readonly span: Span
  readonly signal: AbortSignal
  readonly budgetMs: number
  close(): void
  translate(error: unknown): unknown
}

export function openExchange(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  parts: NeighbourParts,
): OnwardExchange {
  const startedAtMs = parts.clock.monotonicMs()
  const leftMs = call.deadlineAtMs - startedAtMs
  const budgetMs = Math.floor(Math.min(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, leftMs))
  if (budgetMs <= 0) throw new ServiceError('TIMEOUT', 'The deadline has passed')
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new OutOfTime()), budgetMs)
  const onAbort = () => controller.abort(call.signal.reason)
  if (call.signal.aborted) onAbort()
  else call.signal.addEventListener('abort', onAbort, { once: true })
  const span = startClientSpan(
    parts.tracer,
    `${request.method} ${destination.to}`,
    {
      'http.request.method': request.method,
      'server.address': destination.to,
      'url.path': request.path,
      'sonia.correlation_id': call.correlationId,
    },
    call,
  )
  return {
    span,
    signal: controller.signal,
    budgetMs,
    close: () => {
      clearTimeout(timer)
      destination.record(destination.to, request.method, parts.clock.monotonicMs() - startedAtMs)
      call.signal.removeEventListener('abort', onAbort)
    },
    translate: (error) => {
      if (error instanceof ServiceError) return error
      if (call.signal.reason instanceof ServiceError) return call.signal.reason
      return new ServiceError('UNAVAILABLE', 'The call was given up', { cause: error })
    },
  }
}
