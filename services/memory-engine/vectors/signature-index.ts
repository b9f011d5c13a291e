import type { Statements } from '../database/statements.ts'
import type { QueryVector } from '../reading/read-job.ts'
import { ScoreBoard, type Scored } from '../search/score-board.ts'
import { asInt8, cosine, countBits, quantise, signatureWords } from './quantise.ts'

const LOAD_ROWS = 10_000
/** Signs alone order coarsely: so many candidates are rescored with their 8-bit components. */
const RESCORED = 200
const FIRST_CAPACITY = 1024

interface Loaded {
  readonly model: string
  /** 32-bit words of one signature. */
  readonly width: number
  words: Uint32Array
  seqs: number[]
  /** Rows of the table are numbered for ever: a vector written anew is found above this. */
  lastVectorSeq: number
}

/** Signatures of all memories of one model, kept by the reading thread: 96 MB for a million of 768 components. */
export class SignatureIndex {
  #loaded: Loaded | undefined

  /** The memories nearest to the query by cosine, best first. */
  search(query: QueryVector, count: number, statement: Statements): Scored[] {
    const { signature, components } = quantise(query.values)
    const wanted = signatureWords(signature)
    const loaded = this.#follow(query.model, wanted.length, statement)
    const nearest = this.#nearest(loaded, wanted)
    const select = statement.pluck(
      'read_vectors',
      'SELECT components FROM memory_vectors WHERE seq = ? AND model = ?',
    )
    const rescored: [number, number][] = []
    let gone = 0
    for (const seq of nearest) {
      const stored = select.get<Uint8Array>(seq, query.model)
      if (stored === undefined) gone++
      else rescored.push([seq, cosine(asInt8(components), asInt8(stored))])
    }
    // What was forgotten or replaced is still in memory here: start afresh when it crowds out the living.
    if (gone > RESCORED / 4) this.#loaded = undefined
    return rescored.toSorted((left, right) => right[1] - left[1]).slice(0, count)
  }

  #nearest({ words, seqs, width }: Loaded, wanted: Uint32Array): Set<number> {
    const board = new ScoreBoard()
    const bits = 32 * width + 1
    for (let entry = 0; entry < seqs.length; entry++) {
      let distance = 0
      const from = entry * width
      for (let word = 0; word < width; word++) {
        distance += countBits((words[from + word] ?? 0) ^ (wanted[word] ?? 0))
      }
      board.add(entry, bits - distance)
    }
    return new Set(board.best(RESCORED).map(([entry]) => seqs[entry] ?? 0))
  }

  #follow(model: string, width: number, statement: Statements): Loaded {
    if (this.#loaded?.model !== model || this.#loaded.width !== width) {
      this.#loaded = {
        model,
        width,
        words: new Uint32Array(FIRST_CAPACITY * width),
        seqs: [],
        lastVectorSeq: 0,
      }
    }
    const loaded = this.#loaded
    const select = statement.raw(
      'read_vectors',
      `SELECT vector_seq, seq, signature FROM memory_vectors
       WHERE vector_seq > ? AND model = ? ORDER BY vector_seq LIMIT ?`,
    )
    for (;;) {
      const rows = select.all<[number, number, Uint8Array]>(loaded.lastVectorSeq, model, LOAD_ROWS)
      for (const [vectorSeq, seq, signature] of rows) {
        loaded.lastVectorSeq = vectorSeq
        if (signature.byteLength === 4 * width) append(loaded, seq, signatureWords(signature))
      }
      if (rows.length < LOAD_ROWS) return loaded
    }
  }
}

function append(loaded: Loaded, seq: number, signature: Uint32Array): void {
  const at = loaded.seqs.length * loaded.width
  if (at + loaded.width > loaded.words.length) {
    const larger = new Uint32Array(loaded.words.length * 2)
    larger.set(loaded.words)
    loaded.words = larger
  }
  loaded.words.set(signature, at)
  loaded.seqs.push(seq)
}
