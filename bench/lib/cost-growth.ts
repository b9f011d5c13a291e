import type { Curve } from './bench-panels.ts'
import type { Measure } from './bench-output.ts'
import { bootstrapRounds, type Interval, medianOf } from './paired-rounds.ts'

/** What something cost at several sizes: at each of them one figure a round, the same rounds everywhere. */
export interface SizedCost {
  readonly name: string
  readonly at: ReadonlyMap<number, readonly number[]>
}

export interface GrowthPlan {
  readonly title: string
  /** What grows, as "memories". */
  readonly size: string
  readonly unit: string
  readonly random: () => number
}

export interface GrowthResult {
  readonly curve: Curve
  readonly measures: readonly Measure[]
}

const SIZES_MIN = 3

/**
 * Cost as a power of size, by least squares over the logarithms of both; and over the last step alone, as a fixed part
 * hides behind small sizes. Intervals by bootstrap over rounds: they tell the noise, not whether a power is the law.
 */
export function growthOfCosts(plan: GrowthPlan, costs: readonly SizedCost[]): GrowthResult {
  const lines = costs.map((cost) => ({ name: cost.name, points: pointsOf(cost, plan.random) }))
  return {
    curve: { title: plan.title, size: plan.size, unit: plan.unit, lines },
    measures: costs.flatMap((cost) => measuresOf(plan, cost)),
  }
}

function pointsOf({ at }: SizedCost, random: () => number) {
  return [...at].map(([size, rounds]) => ({
    size,
    ...bootstrapRounds(rounds.length, (chosen) => medianAt(rounds, chosen), random),
  }))
}

function measuresOf({ title, size, unit, random }: GrowthPlan, { name, at }: SizedCost): readonly Measure[] {
  const sizes = [...at.keys()].toSorted((a, b) => a - b)
  if (sizes.length < SIZES_MIN) throw new Error(`the growth of ${title} needs ${SIZES_MIN} sizes`)
  const count = Math.min(...[...at.values()].map((rounds) => rounds.length))
  const slope = (of: readonly number[]) => (chosen: readonly number[]) =>
    powerOf(of.map((one) => ({ size: one, cost: medianAt(at.get(one) ?? [], chosen) })))
  const whole = bootstrapRounds(count, slope(sizes), random)
  const last = bootstrapRounds(count, slope(sizes.slice(-2)), random)
  const n = count * sizes.length
  return [
    ...sizes.map((one) => ({
      name: `${title}, ${name}: at ${one} ${size}`,
      unit,
      n: count,
      interval: bootstrapRounds(count, (chosen) => medianAt(at.get(one) ?? [], chosen), random),
    })),
    { name: `${title}, ${name}: ${growthName(whole)}`, unit: `power of ${size}`, n, interval: whole },
    {
      name: `${title}, ${name}, last step: ${growthName(last)}`,
      unit: `power of ${size}`,
      n: 2 * count,
      interval: last,
    },
  ]
}

function medianAt(rounds: readonly number[], chosen: readonly number[]): number {
  return medianOf(chosen.map((round) => rounds[round] ?? Number.NaN))
}

/** Slope of least squares of log cost over log size. */
export function powerOf(points: readonly { readonly size: number; readonly cost: number }[]): number {
  const logs = points.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) }))
  const meanX = logs.reduce((sum, { x }) => sum + x, 0) / logs.length
  const meanY = logs.reduce((sum, { y }) => sum + y, 0) / logs.length
  const sxx = logs.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  return logs.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / sxx
}

const CONSTANT_MAX = 0.15
const LINEAR = { from: 0.85, to: 1.15 }

/** What the whole interval has to keep for a name; the first that it keeps is the growth's. */
const NAMES: readonly (readonly [string, (interval: Interval) => boolean])[] = [
  ['falling', ({ high }) => high < -CONSTANT_MAX],
  ['constant', ({ low, high }) => low >= -CONSTANT_MAX && high <= CONSTANT_MAX],
  ['linear', ({ low, high }) => low >= LINEAR.from && high <= LINEAR.to],
  ['above linear', ({ low }) => low > LINEAR.to],
  ['between constant and linear', ({ low, high }) => low > CONSTANT_MAX && high < LINEAR.from],
  ['below linear', ({ high }) => high < LINEAR.from],
  ['at most linear', ({ high }) => high <= LINEAR.to],
  ['not told apart', ({ low, high }) => Number.isFinite(low) && Number.isFinite(high)],
]

export function growthName(interval: Interval): string {
  return NAMES.find(([, keeps]) => keeps(interval))?.[0] ?? 'not told'
}
