import type { Statements } from '../database/statements.ts'
import { MEMORY_COLUMNS, type MemoryRow } from '../memory.ts'
import type { ScoredRow, SearchRequest } from '../reading/read-job.ts'
import { matchAny } from './match-expression.ts'
import { stem } from './porter.ts'
import { isStopWord } from './stop-words.ts'
import { splitWords } from './words.ts'

export function search(request: SearchRequest, statement: Statements): ScoredRow[] {
  const words = [...new Set(splitWords(request.query))]
  const telling = words.filter((word) => !isStopWord(word))
  const chosen = (telling.length > 0 ? telling : words).slice(0, 32)
  if (chosen.length === 0) return []
  const { type, sessionId, limit } = request
  const indexed = statement(
    'search_rows',
    `SELECT ${MEMORY_COLUMNS}, score FROM memories JOIN (
       SELECT rowid AS found, -rank AS score FROM memories_fts WHERE memories_fts MATCH ?) ON seq = found
     WHERE (? IS NULL OR type = ?) AND (? IS NULL OR session_id = ?) ORDER BY score DESC LIMIT ?`,
  ).all<MemoryRow & { score: number }>(
    matchAny(chosen),
    type ?? null,
    type ?? null,
    sessionId ?? null,
    sessionId ?? null,
    limit,
  )
  const stems = new Set(chosen.map(stem))
  const pending = statement(
    'search_rows',
    `SELECT ${MEMORY_COLUMNS} FROM memories WHERE seq > (SELECT indexed_seq FROM index_state)`,
  )
    .all<MemoryRow>()
    .filter((row) => (type ?? row.type) === row.type && (sessionId ?? row.session_id) === row.session_id)
    .map((row) => ({ row, score: splitWords(row.content).filter((word) => stems.has(stem(word))).length }))
    .filter(({ score }) => score > 0)
  return [...indexed.map(({ score, ...row }) => ({ row, score })), ...pending]
    .toSorted((left, right) => right.score - left.score)
    .slice(0, limit)
}
