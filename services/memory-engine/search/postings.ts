import type { Statements } from '../database/statements.ts'
import type { Collection } from './collection.ts'
import type { QueryTerm } from './query-terms.ts'

/** Occurrences of one term: documents in rising order, one entry for each occurrence. */
export interface LightTerm {
  readonly term: QueryTerm
  readonly occurrences: readonly number[]
  readonly documents: number
}

/** A term in so many documents that reading them all would cost more than it tells. */
export interface HeavyTerm {
  readonly term: QueryTerm
  /** Estimated from how densely its first occurrences lie. */
  readonly documents: number
}

export interface Postings {
  readonly light: readonly LightTerm[]
  readonly heavy: readonly HeavyTerm[]
}

/** So many occurrences are read of every term; a term with no more of them is light. */
const PROBE_OCCURRENCES = 1500
/** Other terms are read whole, rarest first, while the sum stays below this (0.2 us each). */
const READ_OCCURRENCES_MAX = 60_000
/** Estimates may be wrong by so much before a term that was taken for lighter is given up. */
const ESTIMATE_MARGIN = 1.5
/** A term in more than an eighth of all memories is not read whole, however few these are. */
const COMMON_SHARE = 8
/** Of a long query the rarest terms are read; so many are rare enough to find what holds any of them. */
const TERMS_READ_MAX = 12

const OCCURRENCES = 'SELECT doc FROM memories_fts_terms WHERE term = ? LIMIT ?'

interface Probe {
  readonly term: QueryTerm
  readonly occurrences: readonly number[]
  /** Occurrences in all, exact when the probe has read the whole term. */
  readonly total: number
}

/** Rarest terms first: bm25() of FTS5 reads every occurrence of every term before it knows the best ten. */
export function readPostings(
  terms: readonly QueryTerm[],
  collection: Collection,
  statement: Statements,
): Postings {
  const probes = terms
    .map((term) => probe(term, collection, statement))
    .filter(({ occurrences }) => occurrences.length > 0)
    .toSorted((left, right) => left.total - right.total)
    .slice(0, TERMS_READ_MAX)
  const light: LightTerm[] = []
  const heavy: HeavyTerm[] = []
  let budget = READ_OCCURRENCES_MAX
  for (const candidate of probes) {
    const occurrences = readWhole(candidate, isCommon(candidate, collection) ? 0 : budget, statement)
    if (occurrences === undefined) {
      heavy.push({ term: candidate.term, documents: documentsOf(candidate, collection) })
      continue
    }
    budget -= occurrences.length
    light.push({ term: candidate.term, occurrences, documents: countDistinct(occurrences) })
  }
  return { light, heavy }
}

function probe(term: QueryTerm, { indexedSeq }: Collection, statement: Statements): Probe {
  const occurrences = readOccurrences(term, PROBE_OCCURRENCES, statement)
  if (occurrences.length < PROBE_OCCURRENCES) return { term, occurrences, total: occurrences.length }
  const [first = 0, last = indexedSeq] = [occurrences[0], occurrences.at(-1)]
  const total = Math.ceil((occurrences.length * (indexedSeq - first + 1)) / Math.max(1, last - first + 1))
  return { term, occurrences, total }
}

/** Every occurrence, or undefined when there are too many to read. */
function readWhole(candidate: Probe, budget: number, statement: Statements): readonly number[] | undefined {
  if (candidate.occurrences.length < PROBE_OCCURRENCES) return candidate.occurrences
  if (candidate.total > budget) return undefined
  const limit = Math.ceil(Math.min(budget, candidate.total * ESTIMATE_MARGIN)) + 1
  const occurrences = readOccurrences(candidate.term, limit, statement)
  return occurrences.length < limit ? occurrences : undefined
}

/** What so many memories hold cannot find the best of them. */
function isCommon(candidate: Probe, collection: Collection): boolean {
  return documentsOf(candidate, collection) > collection.documents / COMMON_SHARE
}

function readOccurrences(term: QueryTerm, limit: number, statement: Statements): number[] {
  return statement.pluck('search_terms', OCCURRENCES).all<number>(term.stem, limit)
}

function countDistinct(rising: readonly number[]): number {
  let count = 0
  let last: number | undefined
  for (const value of rising) {
    if (value !== last) count++
    last = value
  }
  return count
}

function documentsOf({ occurrences, total }: Probe, { documents }: Collection): number {
  return Math.min(documents, Math.round((total * countDistinct(occurrences)) / occurrences.length))
}
