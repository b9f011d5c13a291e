import type { Statements } from '../database/statements.ts'
import type { QueryVector } from '../reading/read-job.ts'
import type { Scored } from '../search/score-board.ts'
import { nearestSignatures } from './nearest-signatures.ts'
import { asInt8, cosine, quantise, signatureWords } from './quantise.ts'

const LOAD_ROWS = 10_000
/** So many candidates are rescored with their 8-bit components. */
const RESCORED = 300
const FIRST_CAPACITY = 1024

interface Loaded {
  readonly model: string
  /** 32-bit words of one signature. */
  readonly width: number
  words: Uint32Array<ArrayBuffer>
  /** Rows of the table are numbered for ever: a vector written anew is found above the last of these. */
  vectorSeqs: number[]
  lastVectorSeq: number
}

/** Signatures of all memories of one model, kept by the reading thread: 96 MB for a million of 768 components. */
export class SignatureIndex {
  #loaded: Loaded | undefined

  /** The memories nearest to the query by cosine, best first. */
  search(query: QueryVector, count: number, statement: Statements): Scored[] {
    const { signature, components } = quantise(query.values)
    const wanted = signatureWords(signature)
    const { words, width, vectorSeqs } = this.#follow(query.model, wanted.length, statement)
    const nearest = nearestSignatures(
      { words, width, count: vectorSeqs.length },
      { values: query.values, signature: wanted },
      RESCORED,
    ).map((place) => vectorSeqs[place])
    const stored = statement
      .raw(
        'read_vectors',
        `SELECT seq, components FROM memory_vectors
         WHERE vector_seq IN (SELECT value FROM json_each(?)) AND model = ?`,
      )
      .all<[seq: number, components: Uint8Array]>(JSON.stringify(nearest), query.model)
    // What was forgotten or replaced is still in memory here: start afresh when it crowds out the living.
    if (nearest.length - stored.length > RESCORED / 4) this.#loaded = undefined
    return stored
      .map(([seq, bytes]) => [seq, cosine(asInt8(components), asInt8(bytes))] as const)
      .toSorted((left, right) => right[1] - left[1] || right[0] - left[0])
      .slice(0, count)
  }

  #follow(model: string, width: number, statement: Statements): Loaded {
    if (this.#loaded?.model !== model || this.#loaded.width !== width) {
      const words = new Uint32Array(FIRST_CAPACITY * width)
      this.#loaded = { model, width, words, vectorSeqs: [], lastVectorSeq: 0 }
    }
    const loaded = this.#loaded
    const select = statement.raw(
      'read_vectors',
      `SELECT vector_seq, signature FROM memory_vectors
       WHERE vector_seq > ? AND model = ? ORDER BY vector_seq LIMIT ?`,
    )
    for (;;) {
      const rows = select.all<[number, Uint8Array]>(loaded.lastVectorSeq, model, LOAD_ROWS)
      for (const [vectorSeq, signature] of rows) {
        loaded.lastVectorSeq = vectorSeq
        if (signature.byteLength === 4 * width) append(loaded, vectorSeq, signatureWords(signature))
      }
      if (rows.length < LOAD_ROWS) return loaded
    }
  }
}

function append(loaded: Loaded, vectorSeq: number, signature: Uint32Array): void {
  const at = loaded.vectorSeqs.length * loaded.width
  if (at + loaded.width > loaded.words.length) {
    const larger = new Uint32Array(loaded.words.length * 2)
    larger.set(loaded.words)
    loaded.words = larger
  }
  loaded.words.set(signature, at)
  loaded.vectorSeqs.push(vectorSeq)
}
