/** Cormack, Clarke, Buettcher: Reciprocal Rank Fusion (SIGIR 2009); 60 is their constant. */
const RANK_OFFSET = 60

/** One order from several: each list gives its members 1 / (60 + rank), whatever its scores mean. */
export function fuseRanks(lists: readonly (readonly number[])[]): [key: number, score: number][] {
  const scores = new Map<number, number>()
  for (const list of lists) {
    for (const [place, key] of list.entries()) {
      scores.set(key, (scores.get(key) ?? 0) + 1 / (RANK_OFFSET + place + 1))
    }
  }
  return [...scores].toSorted((left, right) => right[1] - left[1] || right[0] - left[0])
}
