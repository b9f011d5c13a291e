import { randomBytes } from 'node:crypto'
import { compactTime } from './compact-time.ts'
import type { OpsClock } from './host.ts'

/** Sorts by time, never repeats: run_20260208T093045Z_4f2a91. */
export function newRunId(clock: OpsClock): string {
  return `run_${compactTime(clock.nowMs())}_${randomBytes(3).toString('hex')}`
}
