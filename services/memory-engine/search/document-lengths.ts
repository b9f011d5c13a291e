import type { Statements } from '../database/statements.ts'
import type { Collection } from './collection.ts'
import { readVarint } from './varint.ts'

const LOAD_ROWS = 10_000
const FIRST_CAPACITY = 4096
const LENGTH_MAX = 0xffff

/**
 * Length in tokens of every indexed memory, kept by the reading thread: looking them up one by one is what
 * makes bm25() slow. Two bytes each; filled in quiet moments, read one by one until then.
 */
export class DocumentLengths {
  #lengths = new Uint16Array(FIRST_CAPACITY)
  #loadedSeq = 0
  #rewrites: number | undefined

  of(seq: number, statement: Statements): number {
    if (seq <= this.#loadedSeq) return this.#lengths[seq] ?? 0
    return readLength(seq, statement)
  }

  /** Notices what was changed since the last search. */
  follow(collection: Collection, statement: Statements): void {
    const missed = collection.rewrites - (this.#rewrites ?? collection.rewrites)
    this.#rewrites = collection.rewrites
    if (missed === 0) return
    if (missed !== 1) this.#loadedSeq = 0
    else if (collection.rewrittenSeq <= this.#loadedSeq) {
      this.#set(collection.rewrittenSeq, readLength(collection.rewrittenSeq, statement))
    }
    // The last row may be gone and its number given again: it is read anew.
    this.#loadedSeq = Math.min(this.#loadedSeq, collection.indexedSeq)
  }

  /** Loads some more; false when all are there. */
  loadSome(statement: Statements): boolean {
    const rows = statement
      .raw('search_state', 'SELECT id, sz FROM memories_fts_docsize WHERE id > ? ORDER BY id LIMIT ?')
      .all<[seq: number, size: Uint8Array]>(this.#loadedSeq, LOAD_ROWS)
    for (const [seq, size] of rows) this.#set(seq, readVarint(size, 0)[0])
    this.#loadedSeq = rows.at(-1)?.[0] ?? this.#loadedSeq
    return rows.length === LOAD_ROWS
  }

  #set(seq: number, length: number): void {
    if (seq >= this.#lengths.length) {
      const larger = new Uint16Array(Math.max(seq + 1, this.#lengths.length * 2))
      larger.set(this.#lengths)
      this.#lengths = larger
    }
    this.#lengths[seq] = Math.min(length, LENGTH_MAX)
  }
}

function readLength(seq: number, statement: Statements): number {
  const size = statement
    .pluck('search_state', 'SELECT sz FROM memories_fts_docsize WHERE id = ?')
    .get<Uint8Array>(seq)
  return size === undefined ? 0 : readVarint(size, 0)[0]
}
