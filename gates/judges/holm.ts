/**
 * Which of several suspicions stand together (Holm 1979): the smallest against 1/m of its level, the next against
 * 1/(m - 1), until the first that does not. `surprise` is a p value over the level it is held against, so that series of
 * different levels can be corrected as one family of `count` members.
 */
export function holmRejections(surprises: readonly number[], count: number): readonly boolean[] {
  const order = surprises
    .map((surprise, index) => ({ surprise, index }))
    .toSorted((a, b) => a.surprise - b.surprise)
  const firstHeld = order.findIndex(({ surprise }, rank) => surprise > 1 / (count - rank))
  const rejected = new Set(order.slice(0, firstHeld === -1 ? undefined : firstHeld).map(({ index }) => index))
  return surprises.map((_, index) => rejected.has(index))
}
