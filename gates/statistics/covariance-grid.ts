import { cholesky, logDiagonal, type Matrix } from './linear-algebra.ts'
import type { TrendProfile } from './trend-profile.ts'

/** One model of the noise: an Ornstein-Uhlenbeck process of correlation time `tau` plus a share of white noise. */
export interface NoiseModel {
  /** Inverse whitening: lower Cholesky factor of the correlation matrix of the bins. */
  readonly factor: Matrix
  /** -1/2 log determinant plus the log prior weight. */
  readonly logWeight: number
}

const WHITE_SHARES = [0, 0.2, 0.5, 0.8]

/**
 * The grid of noise models that are averaged over, none of which has to be the true one.
 * Correlation of bins at times a and b: (1 - w) exp(-|a - b| / tau) + w [a = b].
 * `hours`: bin centres; `lengthHours`: length of the window.
 */
export function noiseModels(
  hours: readonly number[],
  lengthHours: number,
  profile: TrendProfile,
): readonly NoiseModel[] {
  return correlationTimes(lengthHours, profile).flatMap((tau) =>
    WHITE_SHARES.map((white) => {
      const factor = cholesky(
        hours.map((a, i) =>
          hours.map((b, j) => (1 - white) * Math.exp(-Math.abs(a - b) / tau) + (i === j ? white : 0)),
        ),
      )
      return { factor, logWeight: profile.weightPower * Math.log(tau) - logDiagonal(factor) }
    }),
  )
}

function correlationTimes(
  lengthHours: number,
  { shortest, longest, gridSize }: TrendProfile,
): readonly number[] {
  return Array.from(
    { length: gridSize },
    (_, step) => lengthHours * longest * (shortest / longest) ** (step / (gridSize - 1)),
  )
}

/** Regressors of level, trend and, where the window is long enough, a daily cycle. Times are centred. */
export function baseRegressors(hours: readonly number[], lengthHours: number, centreHours: number): Matrix {
  const level = hours.map(() => 1)
  const trend = hours.map((hour) => hour - centreHours)
  if (lengthHours < DAILY_CYCLE_FROM_HOURS) return [level, trend]
  const angle = (2 * Math.PI) / HOURS_PER_DAY
  return [
    level,
    trend,
    hours.map((hour) => Math.sin(angle * hour)),
    hours.map((hour) => Math.cos(angle * hour)),
  ]
}

const HOURS_PER_DAY = 24
/** Below this a daily cycle and a trend cannot be told apart. */
const DAILY_CYCLE_FROM_HOURS = 36

/** A bend in the middle: 0 before, then the time since. */
export function kinkRegressor(hours: readonly number[], centreHours: number): readonly number[] {
  return hours.map((hour) => Math.max(hour - centreHours, 0))
}

/** One step per bin that has at least two bins on either side. */
export function stepRegressors(
  hours: readonly number[],
): readonly { readonly atIndex: number; readonly column: readonly number[] }[] {
  return hours.slice(2, -1).map((hour, index) => ({
    atIndex: index + 2,
    column: hours.map((other) => (other >= hour ? 1 : 0)),
  }))
}
