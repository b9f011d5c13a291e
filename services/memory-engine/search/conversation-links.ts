import type { Statements } from '../database/statements.ts'
import type { Collection } from './collection.ts'

const LOAD_ROWS = 10_000
const FIRST_CAPACITY = 4096
/** So many new memories are linked within a search; more of them wait for a quiet moment. */
const FOLLOWED_ROWS_MAX = 100

/** Where the first reading of the table stands: conversation by conversation, turn by turn. */
interface FirstReading {
  readonly untilSeq: number
  session: string
  seq: number
}

/**
 * Which turn follows which in each conversation, kept by the reading thread: asking the table for the neighbours of
 * every hit takes longer than the search itself. Eight bytes a memory; filled in quiet moments.
 */
export class ConversationLinks {
  #next = new Int32Array(FIRST_CAPACITY)
  #previous = new Int32Array(FIRST_CAPACITY)
  readonly #followedRowsMax: number
  #linkedSeq = 0
  #reading: FirstReading | undefined
  #rewrites: number | undefined

  constructor(followedRowsMax = FOLLOWED_ROWS_MAX) {
    this.#followedRowsMax = followedRowsMax
  }

  /** Whether the neighbours of this memory among the indexed ones are known here. */
  knows(seq: number, { indexedSeq }: Collection): boolean {
    return this.#linkedSeq === indexedSeq && seq <= indexedSeq
  }

  after(seq: number, count: number): number[] {
    return walk(this.#next, seq, count)
  }

  before(seq: number, count: number): number[] {
    return walk(this.#previous, seq, count)
  }

  /** Notices what was changed and added since the last search. */
  follow(collection: Collection, statement: Statements): void {
    const missed = collection.rewrites - (this.#rewrites ?? collection.rewrites)
    this.#rewrites = collection.rewrites
    // The last row may be gone and its number given again: it is linked anew.
    this.#linkedSeq = Math.min(this.#linkedSeq, collection.indexedSeq)
    if (missed > 1 || (missed === 1 && this.#reading !== undefined)) this.#forgetAll()
    else if (missed === 1) this.#relink(collection.rewrittenSeq, statement)
    const news = collection.indexedSeq - this.#linkedSeq
    if (this.#reading === undefined && news > 0 && news <= this.#followedRowsMax) {
      this.#linkNew(collection.indexedSeq, statement)
    }
  }

  /** Loads some more after `follow`; false when all are there. */
  loadSome({ indexedSeq }: Collection, statement: Statements, rows = LOAD_ROWS): boolean {
    if (this.#reading === undefined) {
      if (indexedSeq === this.#linkedSeq) return false
      this.#forgetAll()
      this.#reading = { untilSeq: indexedSeq, session: '', seq: 0 }
    }
    this.#grow(this.#reading.untilSeq)
    if (this.#readOn(this.#reading, rows, statement)) return true
    this.#linkedSeq = this.#reading.untilSeq
    this.#reading = undefined
    return false
  }

  #readOn(reading: FirstReading, limit: number, statement: Statements): boolean {
    const rows = statement
      .raw(
        'search_state',
        `SELECT session_id, seq FROM memories INDEXED BY memories_by_session
         WHERE session_id IS NOT NULL AND (session_id, seq) > (?, ?) AND seq <= ?
         ORDER BY session_id, seq LIMIT ?`,
      )
      .all<[session: string, seq: number]>(reading.session, reading.seq, reading.untilSeq, limit)
    for (const [session, seq] of rows) {
      if (session === reading.session) this.#link(reading.seq, seq)
      reading.session = session
      reading.seq = seq
    }
    return rows.length === limit
  }

  #linkNew(untilSeq: number, statement: Statements): void {
    this.#grow(untilSeq)
    const rows = statement
      .raw('search_state', 'SELECT seq, session_id FROM memories WHERE seq > ? AND seq <= ? ORDER BY seq')
      .all<[seq: number, session: string | null]>(this.#linkedSeq, untilSeq)
    for (const [seq, session] of rows) this.#linkTo(seq, session, statement)
    this.#linkedSeq = untilSeq
  }

  /** A row that was changed, removed, or given to another memory. */
  #relink(seq: number, statement: Statements): void {
    const [previous, next] = [this.#previous[seq] ?? 0, this.#next[seq] ?? 0]
    this.#link(previous, next)
    this.#next[seq] = 0
    this.#previous[seq] = 0
    if (seq > this.#linkedSeq) return
    const session = statement
      .pluck('search_state', 'SELECT session_id FROM memories WHERE seq = ?')
      .get<string | null>(seq)
    this.#linkTo(seq, session ?? null, statement)
  }

  /** Puts a memory behind the last linked one before it, and before what followed that. */
  #linkTo(seq: number, session: string | null, statement: Statements): void {
    if (session === null) return
    const previous =
      statement
        .pluck(
          'search_state',
          'SELECT seq FROM memories WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT 1',
        )
        .get<number>(session, seq) ?? 0
    const next =
      statement
        .pluck(
          'search_state',
          'SELECT seq FROM memories WHERE session_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT 1',
        )
        .get<number>(session, seq, this.#linkedSeq) ?? 0
    this.#link(previous, seq)
    this.#link(seq, next)
  }

  /** 0 stands for none, on either side. */
  #link(previous: number, next: number): void {
    if (previous > 0) this.#next[previous] = next
    if (next > 0) this.#previous[next] = previous
  }

  #forgetAll(): void {
    this.#next.fill(0)
    this.#previous.fill(0)
    this.#linkedSeq = 0
    this.#reading = undefined
  }

  #grow(untilSeq: number): void {
    if (untilSeq < this.#next.length) return
    this.#next = grown(this.#next, untilSeq)
    this.#previous = grown(this.#previous, untilSeq)
  }
}

function walk(links: Int32Array, from: number, count: number): number[] {
  const turns: number[] = []
  for (let seq = links[from] ?? 0; seq !== 0 && turns.length < count; seq = links[seq] ?? 0) turns.push(seq)
  return turns
}

function grown(links: Int32Array<ArrayBuffer>, untilSeq: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(untilSeq + 1, links.length * 2))
  larger.set(links)
  return larger
}
