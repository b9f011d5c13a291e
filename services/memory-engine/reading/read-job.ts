import type { MemoryRow } from '../memory.ts'
import type { Timed } from '../threads/outcome.ts'

export interface SearchRequest {
  readonly query: string
  readonly limit: number
  readonly type: string | undefined
  readonly sessionId: string | undefined
  /** Leaves out what cannot be evidence for an answer to the query. */
  readonly evidenceOnly?: boolean
  readonly nowMs: number
  readonly vector: QueryVector | undefined
}

export interface QueryVector {
  readonly model: string
  readonly values: Float32Array
}

export type ReadOperation =
  | { readonly kind: 'recall'; readonly id: string }
  | { readonly kind: 'search'; readonly request: SearchRequest }
  | {
      readonly kind: 'by_type'
      readonly type: string
      readonly limit: number
      readonly before: string | null
    }
  | { readonly kind: 'stats' }
  | { readonly kind: 'export'; readonly afterSeq: number; readonly limit: number }
  | {
      readonly kind: 'without_vector'
      readonly model: string
      readonly afterSeq: number
      readonly limit: number
    }

export interface ScoredRow {
  readonly row: MemoryRow
  readonly score: number
}

export interface Stats {
  readonly items: number
  readonly by_type: Readonly<Record<string, number>>
  readonly sessions: number
  readonly vectors: number
  readonly oldest_ms: number | null
  readonly newest_ms: number | null
  readonly database_bytes: number
}

export type Vectorless = Pick<MemoryRow, 'seq' | 'id' | 'content' | 'updated_at_ms'>

/** Rows of a stretch of the table that lack a vector, and where the stretch ends; null at the end of the table. */
export interface VectorlessPage {
  readonly rows: readonly Vectorless[]
  readonly lastSeq: number | null
}

export interface ReadResults {
  recall: MemoryRow | null
  search: readonly ScoredRow[]
  by_type: readonly MemoryRow[]
  stats: Stats
  export: readonly MemoryRow[]
  without_vector: VectorlessPage
}

export type ReadKind = ReadOperation['kind']
export type ReadReply = Timed<ReadResults[ReadKind]>
