import { DATABASE_OPERATIONS, type DatabaseOperation } from './operations.ts'

/** One statement that ran: what for, when (milliseconds since the epoch), how long. */
export interface StatementTiming {
  readonly operation: DatabaseOperation
  readonly startedAtMs: number
  readonly durationMs: number
}

/** Timings in a form that crosses threads at the price of one small copy: (operation, start, duration) triples. */
export type PackedTimings = Float64Array<ArrayBuffer>

/** A thread that nobody asks for its timings must not collect them for ever. */
const TIMINGS_MAX = 4096

const INDEX_BY_OPERATION = new Map(DATABASE_OPERATIONS.map((operation, index) => [operation, index]))

export interface TimingLog {
  readonly record: (operation: DatabaseOperation, startedMs: number, durationMs: number) => void
  readonly take: () => PackedTimings
}

/** `startedMs` is on the thread's own performance clock; `originMs` places that in time. */
export function createTimingLog(originMs: number): TimingLog {
  let values: number[] = []
  return {
    record(operation, startedMs, durationMs) {
      if (values.length >= 3 * TIMINGS_MAX) return
      values.push(INDEX_BY_OPERATION.get(operation) ?? 0, originMs + startedMs, durationMs)
    },
    take() {
      const taken = Float64Array.from(values)
      values = []
      return taken
    },
  }
}

export function unpackTimings(packed: PackedTimings): StatementTiming[] {
  const timings: StatementTiming[] = []
  for (let at = 0; at + 2 < packed.length; at += 3) {
    const [index = 0, startedAtMs = 0, durationMs = 0] = packed.subarray(at, at + 3)
    const operation = DATABASE_OPERATIONS[index]
    if (operation !== undefined) timings.push({ operation, startedAtMs, durationMs })
  }
  return timings
}
