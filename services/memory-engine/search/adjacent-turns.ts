import type { Statements } from '../database/statements.ts'
import type { Collection } from './collection.ts'
import type { ConversationLinks } from './conversation-links.ts'
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

interface Conversations {
  readonly statement: Statements
  readonly rows: RowReader
  readonly links: ConversationLinks
  readonly collection: Collection
}

const AFTER = 'SELECT seq FROM memories WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?'
const BEFORE = 'SELECT seq FROM memories WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?'

/** What each neighbour gains from the best of the hits it stands beside. */
export function adjacentScores(
  hits: readonly Scored[],
  weights: AdjacentWeights,
  conversations: Conversations,
): ReadonlyMap<number, number> {
  const gains = new Map<number, number>()
  const share = (turns: readonly number[], shares: readonly number[], score: number) => {
    for (const [distance, seq] of turns.entries()) {
      const gain = score * (shares[distance] ?? 0)
      if (gain > (gains.get(seq) ?? 0)) gains.set(seq, gain)
    }
  }
  for (const [seq, score] of hits) {
    share(turnsAfter(seq, weights.after.length, conversations), weights.after, score)
    share(turnsBefore(seq, weights.before.length, conversations), weights.before, score)
  }
  return gains
}

function turnsAfter(seq: number, count: number, conversations: Conversations): readonly number[] {
  const { links, collection, rows } = conversations
  if (links.knows(seq, collection)) {
    const turns = links.after(seq, count)
    // Turns that the index does not hold yet are not linked yet.
    if (turns.length === count || rows.pending.length === 0) return turns
  }
  return fromTable(AFTER, seq, count, conversations)
}

function turnsBefore(seq: number, count: number, conversations: Conversations): readonly number[] {
  const { links, collection } = conversations
  if (links.knows(seq, collection)) return links.before(seq, count)
  return fromTable(BEFORE, seq, count, conversations)
}

function fromTable(
  sql: string,
  seq: number,
  count: number,
  { statement, rows }: Conversations,
): readonly number[] {
  const session = rows.row(seq)?.session_id
  if (count === 0 || session === null || session === undefined) return []
  return statement.pluck('search_neighbours', sql).all<number>(session, seq, count)
}
