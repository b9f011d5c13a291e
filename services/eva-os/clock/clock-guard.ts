import type { Clock } from '#chassis/clock.ts'

/** Steps smaller than this are the clock being disciplined, not set. */
const TOLERANCE_MS = 5_000

export interface ClockGuard {
  /** Wall clock in ms. Where it was set back since the last look, `onSetBack` has run before this returns. */
  readonly nowMs: () => number
  /** Milliseconds since the clock was last seen to be set back; Infinity if never. */
  readonly sinceSetBackMs: () => number
}

/**
 * Sees a wall clock that was set back: against the monotonic clock while the process runs, and against the last
 * recorded time across a restart. Whatever was given a life by the old time would otherwise live that much longer.
 */
export function createClockGuard(parts: {
  readonly clock: Clock
  /** Latest wall-clock time on record, ms; 0 without one. */
  readonly lastSeenMs: number
  readonly onSetBack: (byMs: number, nowMs: number) => void
}): ClockGuard {
  const { clock } = parts
  let setBackAtMs = Number.NEGATIVE_INFINITY
  let expected = { wallMs: parts.lastSeenMs, atMonotonicMs: clock.monotonicMs() }
  return {
    nowMs() {
      const nowMs = clock.nowMs()
      const monotonicMs = clock.monotonicMs()
      const behindMs = expected.wallMs + (monotonicMs - expected.atMonotonicMs) - nowMs
      // First, so that a step that could not be dealt with is seen again at the next look.
      if (behindMs > TOLERANCE_MS) {
        setBackAtMs = monotonicMs
        parts.onSetBack(behindMs, nowMs)
      }
      expected = { wallMs: nowMs, atMonotonicMs: monotonicMs }
      return nowMs
    },
    sinceSetBackMs: () => clock.monotonicMs() - setBackAtMs,
  }
}
