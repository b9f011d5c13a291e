/** Rounds in which every arm runs once, in an order that turns; and intervals over rounds. Pure but for the arms. */

export interface Arm<T> {
  readonly name: string
  readonly run: () => Promise<T>
}

/** What each arm gave in each round, in the order of the arms given. A drift of the machine meets all arms alike. */
export async function interleave<T>(arms: readonly Arm<T>[], rounds: number): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(arms.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < arms.length; step++) {
      const arm = arms[(round + step) % arms.length]
      if (arm === undefined) continue
      results.get(arm.name)?.push(await arm.run())
    }
  }
  return results
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

const RESAMPLES = 2000
const LEVEL = 0.95

/**
 * Percentile bootstrap over rounds (Efron 1979): the statistic of all rounds, and the middle 95 % of it over
 * resamples of whole rounds. `statistic` is given the numbers of the rounds to use.
 */
export function bootstrapRounds(
  rounds: number,
  statistic: (chosen: readonly number[]) => number,
  random: () => number,
): Interval {
  const all = Array.from({ length: rounds }, (_, index) => index)
  const draws = Array.from({ length: RESAMPLES }, () =>
    statistic(all.map(() => Math.floor(random() * rounds))),
  ).toSorted((a, b) => a - b)
  return {
    value: statistic(all),
    low: quantile(draws, (1 - LEVEL) / 2),
    high: quantile(draws, (1 + LEVEL) / 2),
  }
}

/** Linear interpolation between order statistics (Hyndman and Fan, type 7); the values must be sorted. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)]
  const above = sorted[Math.ceil(position)]
  if (below === undefined || above === undefined) throw new Error('a quantile of nothing')
  return below + (above - below) * (position - Math.floor(position))
}

export function medianOf(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}
