import type { Statements } from '../database/statements.ts'
import { MEMORY_COLUMNS, type MemoryRow } from '../memory.ts'

/** Rows of one search, each read once. */
export interface RowReader {
  readonly row: (seq: number) => MemoryRow | undefined
  /** Rows that the index does not hold yet, oldest first. */
  readonly pending: readonly MemoryRow[]
}

/** As many rows can wait only when a large import has just been written. */
const PENDING_READ_MAX = 2000

export function createRowReader(statement: Statements, indexedSeq: number): RowReader {
  const select = statement('search_rows', `SELECT ${MEMORY_COLUMNS} FROM memories WHERE seq = ?`)
  const pending = statement(
    'search_rows',
    `SELECT ${MEMORY_COLUMNS} FROM memories WHERE seq > ? ORDER BY seq LIMIT ?`,
  ).all<MemoryRow>(indexedSeq, PENDING_READ_MAX)
  const rows = new Map<number, MemoryRow | undefined>(pending.map((row) => [row.seq, row]))
  return {
    pending,
    row(seq) {
      if (!rows.has(seq)) rows.set(seq, select.get<MemoryRow>(seq))
      return rows.get(seq)
    },
  }
}
