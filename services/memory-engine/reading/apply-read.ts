import { ServiceError } from '#chassis/errors.ts'
import type { Statements } from '../database/statements.ts'
import { MEMORY_COLUMNS, type MemoryRow } from '../memory.ts'
import { search, type SearchTools } from '../search/search.ts'
import type { ReadOperation, ReadResults, Stats, Vectorless, VectorlessPage } from './read-job.ts'

/** Carries out one read inside its own snapshot. */
export function applyRead(operation: ReadOperation, tools: SearchTools): ReadResults[ReadOperation['kind']] {
  const { statement } = tools
  switch (operation.kind) {
    case 'recall':
      return (
        statement('recall', `SELECT ${MEMORY_COLUMNS} FROM memories WHERE id = ?`).get<MemoryRow>(
          operation.id,
        ) ?? null
      )
    case 'search':
      return search(operation.request, tools)
    case 'by_type':
      return byType(operation, statement)
    case 'stats':
      return stats(statement)
    case 'export':
      return statement(
        'export',
        `SELECT ${MEMORY_COLUMNS} FROM memories WHERE seq > ? ORDER BY seq LIMIT ?`,
      ).all<MemoryRow>(operation.afterSeq, operation.limit)
    case 'without_vector':
      return withoutVector(operation, statement)
  }
}

/** Newest first; a page begins below the memory named by `before`. */
function byType(
  { type, before, limit }: Extract<ReadOperation, { kind: 'by_type' }>,
  statement: Statements,
): MemoryRow[] {
  const below =
    before === null
      ? Number.MAX_SAFE_INTEGER
      : statement('by_type', 'SELECT seq FROM memories WHERE id = ?').get<{ seq: number }>(before)?.seq
  if (below === undefined) throw new ServiceError('NOT_FOUND', 'No memory has the id named by before')
  return statement(
    'by_type',
    `SELECT ${MEMORY_COLUMNS} FROM memories WHERE type = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
  ).all<MemoryRow>(type, below, limit)
}

const STRETCH_ROWS = 2000

function withoutVector(
  { model, afterSeq, limit }: Extract<ReadOperation, { kind: 'without_vector' }>,
  statement: Statements,
): VectorlessPage {
  const endSeq = statement
    .pluck(
      'read_vectors',
      'SELECT max(seq) FROM (SELECT seq FROM memories WHERE seq > ? ORDER BY seq LIMIT ?)',
    )
    .get<number | null>(afterSeq, STRETCH_ROWS)
  if (endSeq === null || endSeq === undefined) return { rows: [], lastSeq: null }
  const rows = statement(
    'read_vectors',
    `SELECT seq, id, content, updated_at_ms FROM memories AS m
     WHERE seq > ? AND seq <= ? AND NOT EXISTS
       (SELECT 1 FROM memory_vectors AS v WHERE v.seq = m.seq AND v.model = ?) ORDER BY seq LIMIT ?`,
  ).all<Vectorless>(afterSeq, endSeq, model, limit)
  return { rows, lastSeq: rows.length < limit ? endSeq : (rows.at(-1)?.seq ?? endSeq) }
}

function stats(statement: Statements): Stats {
  const types = statement(
    'stats',
    'SELECT type, count(*) AS items FROM memories GROUP BY type ORDER BY type',
  ).all<{
    type: string
    items: number
  }>()
  const totals = statement(
    'stats',
    `SELECT (SELECT count(DISTINCT session_id) FROM memories WHERE session_id IS NOT NULL) AS sessions,
       (SELECT count(*) FROM memory_vectors) AS vectors,
       (SELECT created_at_ms FROM memories ORDER BY seq LIMIT 1) AS oldest_ms,
       (SELECT created_at_ms FROM memories ORDER BY seq DESC LIMIT 1) AS newest_ms,
       (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS database_bytes`,
  ).get<Omit<Stats, 'items' | 'by_type'>>()
  return {
    items: types.reduce((sum, { items }) => sum + items, 0),
    by_type: Object.fromEntries(types.map(({ type, items }) => [type, items])),
    sessions: totals?.sessions ?? 0,
    vectors: totals?.vectors ?? 0,
    oldest_ms: totals?.oldest_ms ?? null,
    newest_ms: totals?.newest_ms ?? null,
    database_bytes: totals?.database_bytes ?? 0,
  }
}
