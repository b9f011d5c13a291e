import { studentTCumulative } from '#gates/statistics/student-t.ts'

/** Growth of a quantity over requests: the slope of least squares and its upper one-sided 95 % bound. */
export interface Growth {
  readonly perRequest: number
  readonly upper95: number
}

export interface GrowthPoint {
  readonly requests: number
  readonly value: number
}

const LEVEL = 0.95
const POINTS_MIN = 5

export function growthOf(points: readonly GrowthPoint[]): Growth {
  if (points.length < POINTS_MIN) throw new Error(`growth needs ${POINTS_MIN} points`)
  const n = points.length
  const meanX = points.reduce((sum, { requests }) => sum + requests, 0) / n
  const meanY = points.reduce((sum, { value }) => sum + value, 0) / n
  const sxx = points.reduce((sum, { requests }) => sum + (requests - meanX) ** 2, 0)
  const sxy = points.reduce((sum, { requests, value }) => sum + (requests - meanX) * (value - meanY), 0)
  const slope = sxy / sxx
  const residuals = points.map(({ requests, value }) => value - meanY - slope * (requests - meanX))
  const variance = residuals.reduce((sum, residual) => sum + residual ** 2, 0) / (n - 2)
  return { perRequest: slope, upper95: slope + tQuantile(LEVEL, n - 2) * Math.sqrt(variance / sxx) }
}

/** By bisection on the exact distribution function. */
export function tQuantile(level: number, degreesOfFreedom: number): number {
  let low = 0
  let high = 1000
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2
    if (studentTCumulative(middle, degreesOfFreedom) < level) low = middle
    else high = middle
  }
  return high
}
