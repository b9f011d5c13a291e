import {
  baseRegressors,
  kinkRegressor,
  type NoiseModel,
  noiseModels,
  stepRegressors,
} from './covariance-grid.ts'
import type { Floors } from './floors.ts'
import { type Design, designOf, type LeastSquares, leastSquares } from './least-squares.ts'
import { at, type Matrix, mean, solveLower, type Vector } from './linear-algebra.ts'
import { createMixture, type MixtureComponent, type TMixture } from './t-mixture.ts'
import type { TrendProfile } from './trend-profile.ts'

/** What can be said of the trend of one series. Slopes in units of the series an hour. */
export interface TrendFit {
  readonly bins: number
  readonly lengthHours: number
  readonly slope: number
  readonly lower: number
  readonly upper: number
  /** Slope of the second half, when the line may bend in the middle. */
  readonly late: number
  readonly lateUpper: number
  /** At 1 %, whatever the level: late growth alone may fail a series. */
  readonly lateLower: number
  /** Upper 99.5 % bound of the bend: below 0 the growth is certainly slowing. */
  readonly kinkUpper: number
  /** Smallest step of the raw values; limits what can be resolved. */
  readonly quantum: number
  readonly step: StepFit | null
  /** How probable it is that the slope is no more than this: small where growth is certain. */
  readonly slopeAtMost: (slope: number) => number
  /** The same of the second half. */
  readonly lateAtMost: (slope: number) => number
}

/** The step that explains the series best, whether or not there is one. */
export interface StepFit {
  readonly size: number
  /** Size over its standard deviation. */
  readonly strength: number
  readonly atHours: number
  /** Lower bound of the slope that is left beside the step. */
  readonly slopeLower: number
}

export const LATE_LEVEL = 0.01
const KINK_LEVEL = 0.995
/** Variance of rounding to steps of q is q^2 / 12. */
const ROUNDING = 12
const SMALLEST_VARIANCE = 1e-18

/** One way of looking at a series under every noise model: what is asked, and all that needs no response. */
interface Look {
  readonly designs: readonly Design[]
}

/** All of a fit that depends on the times of the floors alone. */
export interface TrendDesign {
  readonly lengthHours: number
  readonly models: readonly NoiseModel[]
  readonly whole: Look
  readonly bend: Look
  readonly steps: readonly { readonly atIndex: number; readonly look: Look }[]
}

/** Source of designs for `fitTrend`: `trendDesignOf` itself, or one that remembers them. */
export type TrendDesigner = typeof trendDesignOf

export function trendDesignOf(
  hours: readonly number[],
  binHours: number,
  profile: TrendProfile,
): TrendDesign {
  const start = at(hours, 0) - binHours / 2
  const end = at(hours, hours.length - 1) + binHours / 2
  const lengthHours = end - start
  const centre = (start + end) / 2
  const base = baseRegressors(hours, lengthHours, centre)
  const models = noiseModels(hours, lengthHours, profile)
  const whitened = models.map(({ factor }) => base.map((column) => solveLower(factor, column)))
  const look = (column: Vector | null, contrasts: Matrix): Look => ({
    designs: models.map(({ factor }, index) => {
      const columns = at(whitened, index)
      return designOf(column === null ? columns : [...columns, solveLower(factor, column)], contrasts)
    }),
  })
  const zeros = base.map(() => 0)
  const slopeOf = zeros.map((_, index) => (index === 1 ? 1 : 0))
  const steps = profile.looksForStep ? stepRegressors(hours) : []
  return {
    lengthHours,
    models,
    whole: look(null, [slopeOf]),
    bend: look(kinkRegressor(hours, centre), [
      [...slopeOf, 1],
      [...zeros, 1],
    ]),
    steps: steps.map(({ atIndex, column }) => ({
      atIndex,
      look: look(column, [
        [...slopeOf, 0],
        [...zeros, 1],
      ]),
    })),
  }
}

/** Remembers the designs it made: series of equal times, as in a calibration, share the costly part. */
export function rememberingDesigner(): TrendDesigner {
  const known = new Map<string, TrendDesign>()
  return (hours, binHours, profile) => {
    const key = JSON.stringify([hours, binHours, profile])
    const design = known.get(key) ?? trendDesignOf(hours, binHours, profile)
    known.set(key, design)
    return design
  }
}

/**
 * Generalised least squares of the floors on level, trend and daily cycle under every noise model of the grid,
 * averaged by restricted likelihood (Harville 1974; Berger, De Oliveira and Sanso 2001). A second look lets the line
 * bend in the middle, a third lets it step at each bin (Andrews 1993, on breaks at an unknown place).
 * Needs at least 10 bins; `binHours` is their distance.
 */
export function fitTrend(
  floors: Floors,
  { binHours, quantum, profile, design: makeDesign = trendDesignOf }: FitSettings,
): TrendFit {
  const { hours, values } = floors
  const design = makeDesign(hours, binHours, profile)
  const average = mean(values)
  const response = values.map((value) => value - average)
  const problem: Problem = {
    models: design.models,
    responses: design.models.map(({ factor }) => solveLower(factor, response)),
    varianceFloor: Math.max(quantum ** 2 / ROUNDING, SMALLEST_VARIANCE * Math.max(1, average ** 2)),
  }
  const [whole] = lookAt(problem, design.whole)
  const [late, kink] = lookAt(problem, design.bend)
  const { level } = profile
  return {
    bins: hours.length,
    lengthHours: design.lengthHours,
    slope: there(whole).mean,
    lower: there(whole).quantile(level),
    upper: there(whole).quantile(1 - level),
    late: there(late).mean,
    lateUpper: there(late).quantile(1 - level),
    lateLower: there(late).quantile(LATE_LEVEL),
    kinkUpper: there(kink).quantile(KINK_LEVEL),
    quantum,
    step: bestStep(problem, design, { hours, binHours, level }),
    slopeAtMost: there(whole).cumulative,
    lateAtMost: there(late).cumulative,
  }
}

export interface FitSettings {
  readonly binHours: number
  readonly quantum: number
  readonly profile: TrendProfile
  readonly design?: TrendDesigner
}

interface Problem {
  readonly models: readonly NoiseModel[]
  /** The response, whitened by each model. */
  readonly responses: readonly Vector[]
  readonly varianceFloor: number
}

/** One mixture per contrast of the look, over all noise models. */
function lookAt({ models, responses, varianceFloor }: Problem, { designs }: Look): readonly TMixture[] {
  const fits = designs.map((design, index) => ({
    model: at(models, index),
    fit: leastSquares(design, at(responses, index), varianceFloor),
  }))
  const first = at(designs, 0)
  const degreesOfFreedom = first.rows.length - first.columns.length
  return first.contrasts.map((_, contrast) =>
    createMixture(
      fits.map(({ model, fit }) => componentOf(model, fit, contrast)),
      degreesOfFreedom,
    ),
  )
}

/** The restricted likelihood of the model is its weight; the estimate has a scaled t distribution. */
function componentOf(model: NoiseModel, fit: LeastSquares, contrast: number): MixtureComponent {
  const { estimate, unitVariance } = at(fit.contrasts, contrast)
  const { degreesOfFreedom, residualSquares } = fit
  return {
    logWeight: model.logWeight + fit.logDesign - (degreesOfFreedom / 2) * Math.log(residualSquares),
    estimate,
    standardError: Math.sqrt((residualSquares / degreesOfFreedom) * unitVariance),
  }
}

interface StepSearch {
  readonly hours: readonly number[]
  readonly binHours: number
  readonly level: number
}

function bestStep(
  problem: Problem,
  { steps }: TrendDesign,
  { hours, binHours, level }: StepSearch,
): StepFit | null {
  let best: { readonly size: TMixture; readonly slope: TMixture; readonly atIndex: number } | null = null
  for (const { atIndex, look } of steps) {
    const [slope, size] = lookAt(problem, look)
    if (best === null || there(size).logEvidence > best.size.logEvidence) {
      best = { size: there(size), slope: there(slope), atIndex }
    }
  }
  if (best === null) return null
  return {
    size: best.size.mean,
    strength: best.size.mean / best.size.standardDeviation,
    atHours: at(hours, best.atIndex) - binHours / 2,
    slopeLower: best.slope.quantile(level),
  }
}

function there(mixture: TMixture | undefined): TMixture {
  return at([mixture], 0) as TMixture
}
