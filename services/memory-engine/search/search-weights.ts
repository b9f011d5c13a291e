import type { AdjacentWeights } from './adjacent-turns.ts'

/** What each sign is worth beside BM25; tuned by bench/memory-retrieval.ts on seeds it does not report on. */
export interface SearchWeights {
  readonly adjacent: AdjacentWeights
  /** A name, number or code in exactly the form of the query: times the idf of its words. */
  readonly exactName: number
  /** Speaks of a day that the query names: times the idf of its rarest word. */
  readonly day: number
  readonly writtenDay: number
  /** From the oldest (0) to the newest (1) memory: times the idf of the rarest word. */
  readonly recency: number
}

export const SEARCH_WEIGHTS: SearchWeights = {
  adjacent: { after: [0.7, 0.4, 0.15], before: [0.3], hits: 15 },
  exactName: 0.5,
  day: 0.8,
  writtenDay: 0.4,
  recency: 0.05,
}
