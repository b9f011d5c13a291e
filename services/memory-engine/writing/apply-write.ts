import { ServiceError } from '#chassis/errors.ts'
import type { Statements } from '../database/statements.ts'
import { MEMORY_COLUMNS, type MemoryDraft, type MemoryRow } from '../memory.ts'
import { rowsToForget } from './forget.ts'
import type { TextIndex } from './text-index.ts'
import type { ForgetBy, Forgotten, VectorRow, WriteOperation, WriteResults } from './write-job.ts'

export interface WriteTools {
  readonly statement: Statements
  readonly index: TextIndex
  readonly makeId: () => string
}

/** 48 random bits: at a million memories one insert in 280 million meets a known id. */
const ID_ATTEMPTS_MAX = 5

const INSERT = `INSERT INTO memories (id, type, content, metadata, session_id, created_at_ms, updated_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

/** Carries out one operation inside the transaction of its group. Forgetting is not finished before the log is cut. */
export function applyWrite(
  operation: WriteOperation,
  tools: WriteTools,
): WriteResults[WriteOperation['kind']] {
  switch (operation.kind) {
    case 'store':
      return store(operation.draft, tools)
    case 'replace':
      return replace(operation, tools)
    case 'delete':
      return removeById(operation.id, tools) !== undefined
    case 'forget':
      return forget(operation.by, tools)
    case 'import':
      return importAll(operation.drafts, tools)
    case 'put_vectors':
      return putVectors(operation.vectors, tools.statement)
  }
}

function store(draft: Omit<MemoryDraft, 'id'>, { statement, makeId }: WriteTools): WriteResults['store'] {
  for (let attempt = 0; attempt < ID_ATTEMPTS_MAX; attempt++) {
    const id = makeId()
    const seq = insert(statement, 'store', { ...draft, id })
    if (seq !== null) return { id, seq }
  }
  throw new ServiceError('INTERNAL_ERROR', 'No free memory id was found')
}

/** The seq it got; null where the id is known. */
function insert(statement: Statements, operation: 'store' | 'import', draft: MemoryDraft): number | null {
  const { id, type, content, metadata, session_id, created_at_ms, updated_at_ms } = draft
  const { changes, lastInsertRowid } = statement(operation, INSERT).run(
    id,
    type,
    content,
    metadata,
    session_id,
    created_at_ms,
    updated_at_ms,
  )
  return changes === 1 ? Number(lastInsertRowid) : null
}

function findById(statement: Statements, id: string): MemoryRow | undefined {
  return statement('recall', `SELECT ${MEMORY_COLUMNS} FROM memories WHERE id = ?`).get<MemoryRow>(id)
}

function replace(
  { id, change, nowMs }: Extract<WriteOperation, { kind: 'replace' }>,
  { statement, index }: WriteTools,
): MemoryRow | null {
  const before = findById(statement, id)
  if (before === undefined) return null
  const after: MemoryRow = {
    ...before,
    content: change.content,
    type: change.type ?? before.type,
    metadata: change.metadata ?? before.metadata,
    updated_at_ms: Math.max(nowMs, before.updated_at_ms + 1),
  }
  if (after.content !== before.content) {
    index.replace(before, after.content)
    statement('replace', 'DELETE FROM memory_vectors WHERE seq = ?').run(before.seq)
  }
  statement(
    'replace',
    'UPDATE memories SET content = ?, type = ?, metadata = ?, updated_at_ms = ? WHERE seq = ?',
  ).run(after.content, after.type, after.metadata, after.updated_at_ms, after.seq)
  return after
}

function removeById(id: string, tools: WriteTools): MemoryRow | undefined {
  const row = findById(tools.statement, id)
  if (row !== undefined) remove(row, tools)
  return row
}

function remove(row: MemoryRow, { statement, index }: WriteTools): void {
  // The row first: in a full database its pages are the only room the index has to work in.
  statement('delete', 'DELETE FROM memories WHERE seq = ?').run(row.seq)
  index.remove(row)
}

function forget(by: ForgetBy, tools: WriteTools): Forgotten {
  const { rows, hasRest } = rowsToForget(by, tools.statement, tools.index)
  // Highest first, so that the mark of the index moves down with the rows.
  for (const row of rows.toReversed()) remove(row, tools)
  return { ids: rows.map((row) => row.id), hasRest, erased: false }
}

const INDEX_ROWS = 1000

/** So many rows must not wait for the index one by one: they enter it with the import. */
function importAll(drafts: readonly MemoryDraft[], { statement, index }: WriteTools): WriteResults['import'] {
  const seqs = drafts.map((draft) => insert(statement, 'import', draft)).filter((seq) => seq !== null)
  while (index.takePending(INDEX_ROWS) > 0);
  return { imported: seqs.length, known: drafts.length - seqs.length, firstSeq: lowest(seqs) }
}

/** Without spreading: there may be more of them than a call takes arguments. */
function lowest(seqs: readonly number[]): number | null {
  return seqs.length === 0 ? null : seqs.reduce((least, seq) => Math.min(least, seq))
}

function putVectors(vectors: readonly VectorRow[], statement: Statements): number {
  const put = statement(
    'put_vectors',
    `INSERT OR REPLACE INTO memory_vectors (seq, model, signature, components)
     SELECT seq, ?, ?, ? FROM memories WHERE id = ? AND updated_at_ms = ?`,
  )
  let written = 0
  for (const { id, updated_at_ms, model, signature, components } of vectors) {
    written += put.run(model, signature, components, id, updated_at_ms).changes
  }
  return written
}
