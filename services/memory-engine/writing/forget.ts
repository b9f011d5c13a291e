import { ServiceError } from '#chassis/errors.ts'
import type { Statements } from '../database/statements.ts'
import { MEMORY_COLUMNS, type MemoryRow } from '../memory.ts'
import { matchAll } from '../search/match-expression.ts'
import { splitWords } from '../search/words.ts'
import type { TextIndex } from './text-index.ts'
import type { ForgetBy } from './write-job.ts'

export interface ToForget {
  readonly rows: readonly MemoryRow[]
  /** More than one transaction takes. */
  readonly hasRest: boolean
}

/** The full-text index lets go of a row, or of a kilobyte of text, in about a millisecond; others wait so long. */
const ROWS_AT_ONCE_MAX = 128
const BYTES_AT_ONCE_MAX = 64 * 1024

/** Of a query that means one thing; a word that half of all memories hold is a mistake. */
const MATCHES_MAX = 10_000

/** The oldest of what is named, no more than one transaction takes without keeping other writers waiting. */
export function rowsToForget(by: ForgetBy, statement: Statements, index: TextIndex): ToForget {
  const found = seqsOf(by, statement, index)
  const rows: MemoryRow[] = []
  let bytes = 0
  for (const seq of found.slice(0, ROWS_AT_ONCE_MAX)) {
    const row = statement('forget', `SELECT ${MEMORY_COLUMNS} FROM memories WHERE seq = ?`).get<MemoryRow>(
      seq,
    )
    if (row === undefined) continue
    bytes += Buffer.byteLength(row.content)
    if (rows.length > 0 && bytes > BYTES_AT_ONCE_MAX) break
    rows.push(row)
  }
  return { rows, hasRest: rows.length < found.length }
}

/** Oldest first; of a conversation one more than is taken. */
function seqsOf(by: ForgetBy, statement: Statements, index: TextIndex): readonly number[] {
  switch (by.kind) {
    case 'id':
      return statement.pluck('forget', 'SELECT seq FROM memories WHERE id = ?').all<number>(by.id)
    case 'session':
      return statement
        .pluck('forget', 'SELECT seq FROM memories WHERE session_id = ? ORDER BY seq LIMIT ?')
        .all<number>(by.sessionId, ROWS_AT_ONCE_MAX + 1)
    case 'query':
      return matching(by.query, statement, index)
  }
}

/** The memories that hold every word of the query, in any form of the word. */
function matching(query: string, statement: Statements, index: TextIndex): readonly number[] {
  const words = [...new Set(splitWords(query))]
  if (words.length === 0) throw new ServiceError('INVALID_ARGUMENT', 'query holds no word to look for')
  while (index.takePending(1000) > 0);
  const seqs = statement
    .pluck('forget', 'SELECT rowid FROM memories_fts WHERE memories_fts MATCH ? ORDER BY rowid LIMIT ?')
    .all<number>(matchAll(words), MATCHES_MAX + 1)
  if (seqs.length > MATCHES_MAX) {
    throw new ServiceError('CONFLICT', `More than ${MATCHES_MAX} memories match: name them more exactly`)
  }
  return seqs
}
