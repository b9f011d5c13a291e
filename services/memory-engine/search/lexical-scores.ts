import type { Statements } from '../database/statements.ts'
import { inverseDocumentFrequency, termScore, termScoreMax } from './bm25.ts'
import type { Collection } from './collection.ts'
import { commonWordCandidates } from './common-words.ts'
import type { DocumentLengths } from './document-lengths.ts'
import type { Passes } from './filter.ts'
import { type HeavyTerm, type LightTerm, readPostings } from './postings.ts'
import type { QueryTerm } from './query-terms.ts'
import type { RowReader } from './row-reader.ts'
import type { ScoreBoard } from './score-board.ts'
import type { StemText } from './stemmer.ts'

export interface LexicalSearch {
  readonly statement: Statements
  readonly lengths: DocumentLengths
  readonly stemText: StemText
  readonly scores: ScoreBoard
  readonly collection: Collection
  readonly rows: RowReader
  readonly passes: Passes
}

/** Each stem of the query with its weight. */
export type Weights = ReadonlyMap<string, number>

/** So many texts are read at most to count common words in them. */
const TEXTS_READ_MAX = 800
/** The order is exact down to here; below it common words may be left uncounted. */
const EXACT_PLACES = 30

/** BM25 on the score board, rarest words first; texts are read only where common words can change the order. */
export function scoreLexically(terms: readonly QueryTerm[], search: LexicalSearch): Weights {
  const { light, heavy } = readPostings(terms, search.collection, search.statement)
  const idf = inverseFrequencies(terms, [...light, ...heavy], search.collection)
  for (const term of light) addLightTerm(term, idf, search)
  if (heavy.length > 0) addHeavyTerms(heavy, idf, search)
  addPending(idf, search)
  return idf
}

/** A word that only memories outside the index hold is as rare as can be. */
function inverseFrequencies(
  terms: readonly QueryTerm[],
  known: readonly (LightTerm | HeavyTerm)[],
  { documents }: Collection,
): Weights {
  const holding = new Map(known.map((entry) => [entry.term.stem, entry.documents]))
  return new Map(
    terms.map((term) => [term.stem, inverseDocumentFrequency(documents + 1, holding.get(term.stem) ?? 1)]),
  )
}

function addLightTerm({ term, occurrences }: LightTerm, idf: Weights, search: LexicalSearch): void {
  const { lengths, collection, statement, scores } = search
  const weight = idf.get(term.stem) ?? 0
  for (let at = 0; at < occurrences.length; ) {
    const seq = occurrences[at] ?? 0
    let times = 0
    while (occurrences[at] === seq) {
      times++
      at++
    }
    scores.add(seq, termScore(weight, times, lengths.of(seq, statement) / collection.averageLength))
  }
}

/**
 * Common words lift a memory by at most the sum of their maxima: once the next by its rare words lies further
 * below the last place that counts, nothing after it can come up, and no more texts are read.
 */
function addHeavyTerms(heavy: readonly HeavyTerm[], idf: Weights, search: LexicalSearch): void {
  const { scores } = search
  const stems = heavy.map(({ term }) => term.stem)
  const lift = stems.reduce((sum, stem) => sum + termScoreMax(idf.get(stem) ?? 0), 0)
  const ranked = scores.size > 0 ? scores.best(TEXTS_READ_MAX) : commonWordCandidates(heavy, search)
  const places: number[] = []
  for (const [seq, partial] of ranked) {
    if (places.length >= EXACT_PLACES && partial + lift < (places.at(-1) ?? 0)) break
    const row = search.rows.row(seq)
    if (row === undefined) continue
    const gain = textScore(row.content, stems, idf, search)
    if (gain > 0) scores.add(seq, gain)
    keepPlaces(places, partial + gain)
  }
}

/** The best scores so far, best first. */
function keepPlaces(places: number[], score: number): void {
  const after = places.findIndex((place) => place < score)
  if (after >= 0) places.splice(after, 0, score)
  else places.push(score)
  if (places.length > EXACT_PLACES) places.pop()
}

/** BM25 of a text for some of the stems, counted in the text itself. */
function textScore(
  content: string,
  stems: readonly string[],
  idf: Weights,
  { stemText, collection }: Pick<LexicalSearch, 'stemText' | 'collection'>,
): number {
  const words = stemText(content)
  let sum = 0
  for (const wanted of stems) {
    let times = 0
    for (const word of words) if (word === wanted) times++
    if (times > 0) sum += termScore(idf.get(wanted) ?? 0, times, words.length / collection.averageLength)
  }
  return sum
}

function addPending(idf: Weights, search: LexicalSearch): void {
  const stems = [...idf.keys()]
  for (const row of search.rows.pending) {
    if (!search.passes(row)) continue
    const score = textScore(row.content, stems, idf, search)
    if (score > 0) search.scores.add(row.seq, score)
  }
}
