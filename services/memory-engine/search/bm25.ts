/** BM25 as SQLite's FTS5 computes it (its constants, its floor of idf), so that both rank alike. */
const K1 = 1.2
const B = 0.75
const IDF_MIN = 1e-6

export function inverseDocumentFrequency(documents: number, holding: number): number {
  return Math.max(IDF_MIN, Math.log((documents - holding + 0.5) / (holding + 0.5)))
}

/** What `times` occurrences of one term add to the score of a document of `length` tokens. */
export function termScore(idf: number, times: number, relativeLength: number): number {
  return (idf * times * (K1 + 1)) / (times + K1 * (1 - B + B * relativeLength))
}

/** More than any number of occurrences can add. */
export function termScoreMax(idf: number): number {
  return idf * (K1 + 1)
}
