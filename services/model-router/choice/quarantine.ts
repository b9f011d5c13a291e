import type { UpstreamFault } from '../upstream-fault.ts'

/** Rest for what answered in a way that asking again soon will not change: a key refused, a limit reached. */
export interface Quarantine {
  /** Monotonic milliseconds until which it rests; 0 when it does not. */
  readonly untilMs: (nowMs: number) => number
  /** Starts a rest if the fault calls for one. */
  note(fault: UpstreamFault, nowMs: number): void
}

export function createQuarantine(options: { restMs: number }): Quarantine {
  let until = 0
  return {
    untilMs: (nowMs) => (until > nowMs ? until : 0),
    note(fault, nowMs) {
      const restMs = restFor(fault, options.restMs)
      until = Math.max(until, nowMs + restMs)
    },
  }
}

function restFor(fault: UpstreamFault, restMs: number): number {
  if (fault.kind === 'rate_limited') return fault.retryAfterMs ?? restMs
  const isLasting = ['unauthorized', 'unknown_model', 'address_refused'].includes(fault.kind)
  return isLasting ? restMs : 0
}
