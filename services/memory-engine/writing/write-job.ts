import type { PackedTimings } from '../database/timings.ts'
import type { MemoryDraft, MemoryRow } from '../memory.ts'
import type { Outcome, PlainError } from '../threads/outcome.ts'

export interface VectorRow {
  readonly id: string
  /** When the content was read for embedding: a vector of older content is dropped. */
  readonly updated_at_ms: number
  readonly model: string
  readonly signature: Uint8Array
  readonly components: Uint8Array
}

/** Everything that changes the database; each is all or nothing, and forgetting a part at a time. */
export type WriteOperation =
  | { readonly kind: 'store'; readonly draft: Omit<MemoryDraft, 'id'> }
  | { readonly kind: 'replace'; readonly id: string; readonly change: MemoryChange; readonly nowMs: number }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'forget'; readonly by: ForgetBy }
  | { readonly kind: 'import'; readonly drafts: readonly MemoryDraft[] }
  | { readonly kind: 'put_vectors'; readonly vectors: readonly VectorRow[] }

export interface MemoryChange {
  readonly content: string
  readonly type: string | undefined
  readonly metadata: string | undefined
}

export type ForgetBy =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'query'; readonly query: string }

export interface WriteResults {
  /** `seq` may be one that a forgotten memory had. */
  store: { readonly id: string; readonly seq: number }
  replace: MemoryRow | null
  delete: boolean
  forget: Forgotten
  /** `firstSeq` is the lowest of the imported ones; null where all were known. */
  import: { readonly imported: number; readonly known: number; readonly firstSeq: number | null }
  put_vectors: number
}

export interface Forgotten {
  readonly ids: readonly string[]
  /** More of it is left than one transaction takes: the same again goes on with it. */
  readonly hasRest: boolean
  /** False while a reader holds old pages of the log: the writer tries again until they are gone. */
  readonly erased: boolean
}

export type WriteKind = WriteOperation['kind']

/** One group: what waited while the last group was being committed. */
export type WriteJob = readonly WriteOperation[]

export interface WriteReply {
  readonly outcomes: readonly Outcome<WriteResults[WriteKind]>[]
  readonly timings: PackedTimings
  /** Why the database is not open. */
  readonly failure: PlainError | null
  /** Memories in the table after this group. */
  readonly items: number
}
