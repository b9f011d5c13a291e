/** Exact two-sided interval of a share (Clopper and Pearson 1934): 95 % unless said otherwise. */
export function clopperPearson(
  successes: number,
  trials: number,
  confidence = 0.95,
): readonly [number, number] {
  const tail = (1 - confidence) / 2
  const lower = successes === 0 ? 0 : solve((share) => atLeast(successes, trials, share) < tail)
  const upper = successes === trials ? 1 : solve((share) => 1 - atLeast(successes + 1, trials, share) > tail)
  return [lower, upper]
}

/** P(X >= k) of a binomial, as a sum of its terms from logarithms. */
function atLeast(k: number, trials: number, share: number): number {
  if (share <= 0) return k <= 0 ? 1 : 0
  if (share >= 1) return 1
  let logTerm = trials * Math.log1p(-share)
  let total = k <= 0 ? Math.exp(logTerm) : 0
  for (let hit = 1; hit <= trials; hit += 1) {
    logTerm += Math.log((trials - hit + 1) / hit) + Math.log(share) - Math.log1p(-share)
    if (hit >= k) total += Math.exp(logTerm)
  }
  return Math.min(total, 1)
}

/** The share at which a condition that holds below it stops to hold. */
function solve(holds: (share: number) => boolean): number {
  let low = 0
  let high = 1
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2
    if (holds(middle)) low = middle
    else high = middle
  }
  return (low + high) / 2
}
