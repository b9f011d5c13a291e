import { ServiceError } from '#chassis/errors.ts'
import type { Statements } from '../database/statements.ts'
import { MEMORY_COLUMNS, type MemoryRow } from '../memory.ts'
import { matchAll } from '../search/match-expression.ts'
import { splitWords } from '../search/words.ts'
import type { TextIndex } from './text-index.ts'

/** One transaction of this size still commits in about a second. */
const FORGET_ROWS_MAX = 10_000

/** The memories that hold every word of the query (in any form of the word), oldest first. */
export function findMatchingAll(query: string, statement: Statements, index: TextIndex): MemoryRow[] {
  const words = [...new Set(splitWords(query))]
  if (words.length === 0) throw new ServiceError('INVALID_ARGUMENT', 'query holds no word to look for')
  while (index.takePending(1000) > 0);
  const rows = statement(
    'forget',
    `SELECT ${MEMORY_COLUMNS} FROM memories
     WHERE seq IN (SELECT rowid FROM memories_fts WHERE memories_fts MATCH ?) ORDER BY seq LIMIT ?`,
  ).all<MemoryRow>(matchAll(words), FORGET_ROWS_MAX + 1)
  if (rows.length > FORGET_ROWS_MAX) {
    throw new ServiceError('CONFLICT', `More than ${FORGET_ROWS_MAX} memories match: name them more exactly`)
  }
  return rows
}
