import type { Statements } from '../database/statements.ts'
import type { RowReader } from './row-reader.ts'
import type { Scored } from './score-board.ts'

/** An answer seldom repeats the words of its question: what stands beside a good hit shares in its score. */
export interface AdjacentWeights {
  /** Share for the turns after the hit, nearest first. */
  readonly after: readonly number[]
  readonly before: readonly number[]
  /** How many of the best hits share. */
  readonly hits: number
}

const AFTER = 'SELECT seq FROM memories WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?'
const BEFORE = 'SELECT seq FROM memories WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?'

/** What each neighbour gains from the best of the hits it stands beside. */
export function adjacentScores(
  hits: readonly Scored[],
  weights: AdjacentWeights,
  { statement, rows }: { readonly statement: Statements; readonly rows: RowReader },
): ReadonlyMap<number, number> {
  const gains = new Map<number, number>()
  const share = (
    sql: string,
    shares: readonly number[],
    hit: { seq: number; score: number; session: string },
  ) => {
    if (shares.length === 0) return
    const turns = statement.pluck('search_neighbours', sql).all<number>(hit.session, hit.seq, shares.length)
    for (const [distance, seq] of turns.entries()) {
      const gain = hit.score * (shares[distance] ?? 0)
      if (gain > (gains.get(seq) ?? 0)) gains.set(seq, gain)
    }
  }
  for (const [seq, score] of hits) {
    const session = rows.row(seq)?.session_id
    if (session === null || session === undefined) continue
    share(AFTER, weights.after, { seq, score, session })
    share(BEFORE, weights.before, { seq, score, session })
  }
  return gains
}
