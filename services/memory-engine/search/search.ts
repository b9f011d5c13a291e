import type { Statements } from '../database/statements.ts'
import type { MemoryRow } from '../memory.ts'
import { fuseRanks } from '../vectors/fuse-ranks.ts'
import type { SignatureIndex } from '../vectors/signature-index.ts'
import type { QueryVector, ScoredRow, SearchRequest } from '../reading/read-job.ts'
import { adjacentScores } from './adjacent-turns.ts'
import { type Collection, readCollection } from './collection.ts'
import type { ConversationLinks } from './conversation-links.ts'
import type { DocumentLengths } from './document-lengths.ts'
import { type ExactName, exactNames, holdsName, namedStopWords } from './exact-names.ts'
import { createFilter, filtersAny } from './filter.ts'
import { type LexicalSearch, scoreLexically } from './lexical-scores.ts'
import { dayOf, type DayRange, mentionedRanges } from './mentioned-days.ts'
import type { ScoreBoard } from './score-board.ts'
import type { StemText } from './stemmer.ts'
import { queryTerms } from './query-terms.ts'
import { createRowReader } from './row-reader.ts'
import { SEARCH_WEIGHTS, type SearchWeights } from './search-weights.ts'

export interface SearchTools {
  readonly statement: Statements
  readonly lengths: DocumentLengths
  readonly links: ConversationLinks
  readonly scores: ScoreBoard
  readonly stemText: StemText
  readonly signatures: SignatureIndex
}

/** So many of the best are read for what only their text tells (names, days, type). */
const RERANKED_MIN = 60
/** How far down both orders are looked at when they are fused. */
const FUSED_MIN = 60
/** How much further down the next look goes when a filter left too few. */
const DEEPER = 8

/** The memories that answer a query best, best first. */
export function search(
  request: SearchRequest,
  tools: SearchTools,
  weights: SearchWeights = SEARCH_WEIGHTS,
): ScoredRow[] {
  const { statement, scores } = tools
  scores.clear()
  const collection = followChanges(tools)
  const rows = createRowReader(statement, collection.indexedSeq)
  const lexical: LexicalSearch = { ...tools, collection, rows, passes: createFilter(request) }
  const names = exactNames(request.query)
  const idf = scoreLexically(queryTerms(request.query, namedStopWords(names)), lexical)
  const { adjacent } = weights
  for (const [seq, gain] of adjacentScores(scores.best(adjacent.hits), adjacent, {
    ...lexical,
    links: tools.links,
  }))
    scores.add(seq, gain)
  const unit = Math.max(0, ...idf.values())
  const days = weights.day > 0 ? mentionedRanges(request.query, request.nowMs) : []
  addDays(days, unit * weights.day, lexical)
  const ranking: Ranking = { request, names, days, idf, unit, weights, lexical }
  return request.vector === undefined
    ? rank(ranking, request.limit)
    : fuse(rank(ranking, Math.max(FUSED_MIN, request.limit)), request.vector, ranking, tools)
}

/** What the tools keep in memory, brought up to the snapshot that is read now. */
export function followChanges({ statement, lengths, links }: SearchTools): Collection {
  const collection = readCollection(statement)
  lengths.follow(collection, statement)
  links.follow(collection, statement)
  return collection
}

/** A day of a busy week is spoken of often; the newest count. */
const DAY_HITS_MAX = 500

/** Memories that speak of a day the query names. */
function addDays(days: readonly DayRange[], gain: number, { statement, scores }: LexicalSearch): void {
  const mentioned = statement.pluck(
    'search_days',
    'SELECT DISTINCT seq FROM mentioned_days WHERE day BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?',
  )
  for (const { from, to } of days) {
    for (const seq of mentioned.all<number>(from, to, DAY_HITS_MAX)) scores.add(seq, gain)
  }
}

interface Ranking {
  readonly request: SearchRequest
  readonly names: readonly ExactName[]
  readonly days: readonly DayRange[]
  readonly idf: ReadonlyMap<string, number>
  /** idf of the rarest word of the query: what one good sign is worth. */
  readonly unit: number
  readonly weights: SearchWeights
  readonly lexical: LexicalSearch
}

function rank(ranking: Ranking, count: number): ScoredRow[] {
  const { names, days } = ranking
  const needsText = filtersAny(ranking.request) || names.length > 0 || days.length > 0
  return judge(ranking, needsText ? Math.max(RERANKED_MIN, 4 * count) : count)
    .toSorted((left, right) => right.score - left.score || right.row.seq - left.row.seq)
    .slice(0, count)
}

/** Reads the best so far, and further down only while too few of them pass the filter. */
function judge(ranking: Ranking, wanted: number): ScoredRow[] {
  const { scores, rows, passes } = ranking.lexical
  for (let depth = wanted; ; depth *= DEEPER) {
    const found: ScoredRow[] = []
    for (const [seq, score] of scores.best(depth)) {
      const row = rows.row(seq)
      if (row === undefined || !passes(row)) continue
      found.push({ row, score: score + textSigns(row, ranking) })
      if (found.length >= wanted) break
    }
    if (found.length >= wanted || depth >= scores.size) return found
  }
}

/** Both orders count, whatever their scores mean. */
function fuse(
  byWords: readonly ScoredRow[],
  vector: QueryVector,
  { request, lexical }: Ranking,
  { signatures, statement }: SearchTools,
): ScoredRow[] {
  const byMeaning = signatures.search(vector, Math.max(FUSED_MIN, request.limit), statement)
  const fused: ScoredRow[] = []
  for (const [seq, score] of fuseRanks([byWords.map(({ row }) => row.seq), byMeaning.map(([seq]) => seq)])) {
    const row = lexical.rows.row(seq)
    if (row !== undefined && lexical.passes(row)) fused.push({ row, score })
  }
  return fused.slice(0, request.limit)
}

/** What the text and the time of a memory add to its score. */
function textSigns(row: MemoryRow, { names, days, idf, unit, weights, lexical }: Ranking): number {
  let sum = 0
  for (const name of names) {
    if (!holdsName(row.content, name)) continue
    sum += weights.exactName * name.stems.reduce((total, wanted) => total + (idf.get(wanted) ?? 0), 0)
  }
  const writtenOn = dayOf(row.created_at_ms)
  if (days.some(({ from, to }) => writtenOn >= from && writtenOn <= to)) sum += weights.writtenDay * unit
  const newest = Math.max(1, lexical.collection.indexedSeq)
  return sum + weights.recency * unit * (Math.min(row.seq, newest) / newest)
}
