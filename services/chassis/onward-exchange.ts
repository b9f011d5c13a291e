import type { Span } from '@opentelemetry/api'
import { type CallContext, whenAborted } from './call-context.ts'
import type { Destination } from './destination.ts'
import { ServiceError } from './errors.ts'
import { OutOfTime } from './neighbour-errors.ts'
import type { NeighbourParts, NeighbourRequest } from './neighbours.ts'
import { startClientSpan } from './tracing.ts'

const DEFAULT_TIMEOUT_MS = 10_000

/** Span, time limit and abort of one attempt. */
export interface OnwardExchange {
  readonly span: Span
  /** Made only when asked for. */
  readonly signal: AbortSignal
  /** The newest listener hears of it: one attempt at a time. */
  onAbort(listener: (reason: Error) => void): void
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
  const giveUp = createGiveUp()
  const timer = setTimeout(() => giveUp.now(new OutOfTime()), budgetMs)
  const unlisten = whenAborted(call, (reason) => giveUp.now(reason as Error))
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
    get signal() {
      return giveUp.signal()
    },
    onAbort: giveUp.onAbort,
    budgetMs,
    close: () => {
      clearTimeout(timer)
      destination.record(destination.to, request.method, parts.clock.monotonicMs() - startedAtMs)
      unlisten()
    },
    translate: (error) => {
      if (error instanceof ServiceError) return error
      const reason = giveUp.reason()
      if (reason instanceof ServiceError) return reason
      return new ServiceError('UNAVAILABLE', 'The call was given up', { cause: error })
    },
  }
}

/** Abort of one attempt: by its time, or with the call it belongs to. */
function createGiveUp() {
  let reason: Error | undefined
  let listener: ((reason: Error) => void) | undefined
  let controller: AbortController | undefined
  return {
    reason: () => reason,
    now: (why: Error) => {
      if (reason !== undefined) return
      reason = why
      listener?.(why)
      controller?.abort(why)
    },
    onAbort: (given: (reason: Error) => void) => {
      listener = given
      if (reason !== undefined) given(reason)
    },
    signal: () => {
      controller ??= new AbortController()
      if (reason !== undefined) controller.abort(reason)
      return controller.signal
    },
  }
}
