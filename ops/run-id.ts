import { randomBytes } from 'node:crypto'
import type { OpsClock } from './host.ts'

/** Sorts by time, never repeats: run_20260208T093045Z_4f2a91. */
export function newRunId(clock: OpsClock): string {
  const time = new Date(clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '')
  return `run_${time}_${randomBytes(3).toString('hex')}`
}
