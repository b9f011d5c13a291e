import type { Clock } from './clock.ts'
import { ServiceError } from './errors.ts'
import type { Exchange } from './exchange.ts'

const SWEEP_EVERY_MS = 50

/** The requests that have begun and not ended. One timer looks after all deadlines and lost clients. */
export interface InFlight {
  add(exchange: Exchange): void
  delete(exchange: Exchange): void
  readonly size: number
  /** Start of the oldest request on the monotonic clock. */
  oldestStartMs(): number | undefined
  /** Answers what is past its deadline and closes what lost its client. */
  sweep(): void
  /** The drain is over: everything still running is told to give up. */
  abortAll(): void
  stop(): void
}

export function createInFlight(clock: Clock): InFlight {
  // A Set keeps the order of insertion: the first one is the oldest.
  const exchanges = new Set<Exchange>()
  const sweep = () => {
    const nowMs = clock.monotonicMs()
    for (const exchange of exchanges) sweepOne(exchange, nowMs)
  }
  const timer = setInterval(sweep, SWEEP_EVERY_MS)
  timer.unref()
  return {
    add: (exchange) => {
      exchanges.add(exchange)
    },
    delete: (exchange) => {
      exchanges.delete(exchange)
    },
    get size() {
      return exchanges.size
    },
    oldestStartMs: () => exchanges.values().next().value?.call.startedAtMs,
    sweep,
    abortAll: () => {
      for (const { call } of exchanges) call.abort(new ServiceError('UNAVAILABLE', 'The service is stopping'))
    },
    stop: () => clearInterval(timer),
  }
}

function sweepOne(exchange: Exchange, nowMs: number): void {
  const { reply, call } = exchange
  // Without onResponse: an answer that was cut off never "finishes".
  if (reply.raw.destroyed) {
    exchange.route.close(exchange)
    return
  }
  if (exchange.timedOut || nowMs < call.deadlineAtMs) return
  exchange.timedOut = true
  const late = new ServiceError('TIMEOUT', 'Not finished within the deadline')
  call.abort(late)
  // Not `reply.sent`: that is false while a stream is on its way, and a second answer would cut it off.
  if (!reply.raw.headersSent) void reply.send(late)
}
