import type { Statements } from '../database/statements.ts'
import { readVarint } from './varint.ts'

/** What BM25 needs to know of all memories together, as the index itself counts it. */
export interface Collection {
  readonly documents: number
  readonly averageLength: number
  readonly indexedSeq: number
  /** How often an indexed memory was changed or removed, and which one last. */
  readonly rewrites: number
  readonly rewrittenSeq: number
}

/** FTS5 keeps the number of rows and of tokens per column in row 1 of its data table, as varints. */
const FTS5_AVERAGES_ROW = 1

export function readCollection(statement: Statements): Collection {
  const state = statement(
    'search_state',
    `SELECT indexed_seq AS indexedSeq, rewrites, rewritten_seq AS rewrittenSeq,
       (SELECT block FROM memories_fts_data WHERE id = ${FTS5_AVERAGES_ROW}) AS averages FROM index_state`,
  ).get<{ indexedSeq: number; rewrites: number; rewrittenSeq: number; averages: Uint8Array | null }>()
  if (state === undefined) throw new Error('index_state has no row')
  const { averages, ...rest } = state
  const [documents, tokensAt] = readVarint(averages ?? new Uint8Array(), 0)
  const [tokens] = readVarint(averages ?? new Uint8Array(), tokensAt)
  return { ...rest, documents, averageLength: documents === 0 ? 1 : Math.max(1, tokens / documents) }
}
