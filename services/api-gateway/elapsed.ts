import type { Clock } from '#chassis/clock.ts'

/** Milliseconds since `startedAtMs` (monotonic), to the microsecond. */
export function elapsedMs(clock: Clock, startedAtMs: number): number {
  return Math.round((clock.monotonicMs() - startedAtMs) * 1000) / 1000
}
