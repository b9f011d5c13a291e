import type { Statements } from '../database/statements.ts'
import type { Collection } from './collection.ts'
import { matchAll, quoteWord } from './match-expression.ts'
import type { HeavyTerm } from './postings.ts'

/** Very common words tell memories apart hardly at all: of those that hold them the newest are judged. */
const CANDIDATES_MAX = 200
const ENOUGH = 50
/** Each window costs at most its width in steps for each word, however seldom the words meet. */
const WINDOW_ROWS = 50_000
const NEWEST_OF_EACH = 100

interface Index {
  readonly statement: Statements
  readonly collection: Collection
}

/** Memories that hold only common words of the query: those with all of them, else the newest with any. */
export function commonWordCandidates(
  heavy: readonly HeavyTerm[],
  { statement, collection }: Index,
): [seq: number, score: number][] {
  const newest = statement.pluck(
    'search_terms',
    'SELECT rowid FROM memories_fts WHERE memories_fts MATCH ? AND rowid > ? ORDER BY rowid DESC LIMIT ?',
  )
  const after = Math.max(0, collection.indexedSeq - WINDOW_ROWS)
  const words = heavy.map(({ term }) => term.word)
  const found = new Set(newest.all<number>(matchAll(words), after, CANDIDATES_MAX))
  if (found.size < ENOUGH) {
    for (const word of words) {
      for (const seq of newest.all<number>(quoteWord(word), 0, NEWEST_OF_EACH)) found.add(seq)
    }
  }
  return [...found].map((seq) => [seq, 0])
}
