import {
  baseRegressors,
  kinkRegressor,
  type NoiseModel,
  noiseModels,
  stepRegressors,
} from './covariance-grid.ts'
import type { Floors } from './floors.ts'
import { type LeastSquares, leastSquares } from './least-squares.ts'
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

const LATE_LEVEL = 0.01
const KINK_LEVEL = 0.995
/** Variance of rounding to steps of q is q^2 / 12. */
const ROUNDING = 12
const SMALLEST_VARIANCE = 1e-18

interface Look {
  readonly column: Vector | null
  /** Combinations of the base coefficients and, where there is a column, its own. */
  readonly contrasts: Matrix
}

/**
 * Generalised least squares of the floors on level, trend and daily cycle under every noise model of the grid,
 * averaged by restricted likelihood (Harville 1974; Berger, De Oliveira and Sanso 2001). A second look lets the line
 * bend in the middle, a third lets it step at each bin (Andrews 1993, on breaks at an unknown place).
 * Needs at least 10 bins; `binHours` is their distance.
 */
export function fitTrend(
  floors: Floors,
  {
    binHours,
    quantum,
    profile,
  }: { readonly binHours: number; readonly quantum: number; readonly profile: TrendProfile },
): TrendFit {
  const { hours, values } = floors
  const start = at(hours, 0) - binHours / 2
  const end = at(hours, hours.length - 1) + binHours / 2
  const lengthHours = end - start
  const centre = (start + end) / 2
  const average = mean(values)
  const problem: Problem = {
    response: values.map((value) => value - average),
    base: baseRegressors(hours, lengthHours, centre),
    models: noiseModels(hours, lengthHours, profile),
    varianceFloor: Math.max(quantum ** 2 / ROUNDING, SMALLEST_VARIANCE * Math.max(1, average ** 2)),
  }
  const zeros = problem.base.map(() => 0)
  const slopeOf = zeros.map((_, index) => (index === 1 ? 1 : 0))
  const [whole] = lookAt(problem, { column: null, contrasts: [slopeOf] })
  const bend = {
    column: kinkRegressor(hours, centre),
    contrasts: [
      [...slopeOf, 1],
      [...zeros, 1],
    ],
  }
  const [late, kink] = lookAt(problem, bend)
  const { level } = profile
  return {
    bins: hours.length,
    lengthHours,
    slope: there(whole).mean,
    lower: there(whole).quantile(level),
    upper: there(whole).quantile(1 - level),
    late: there(late).mean,
    lateUpper: there(late).quantile(1 - level),
    lateLower: there(late).quantile(LATE_LEVEL),
    kinkUpper: there(kink).quantile(KINK_LEVEL),
    quantum,
    step: profile.looksForStep ? bestStep(problem, { hours, binHours, level, slopeOf }) : null,
  }
}

interface Problem {
  readonly response: Vector
  readonly base: Matrix
  readonly models: readonly NoiseModel[]
  readonly varianceFloor: number
}

/** One mixture per contrast of the look, over all noise models. */
function lookAt(
  { response, base, models, varianceFloor }: Problem,
  { column, contrasts }: Look,
): readonly TMixture[] {
  const columns = column === null ? base : [...base, column]
  const fits = models.map((model) => {
    const whiten = (values: Vector) => solveLower(model.factor, values)
    const fit = leastSquares({
      columns: columns.map(whiten),
      response: whiten(response),
      contrasts,
      varianceFloor,
    })
    return { model, fit }
  })
  const degreesOfFreedom = response.length - columns.length
  return contrasts.map((_, contrast) =>
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
  readonly slopeOf: Vector
}

function bestStep(problem: Problem, { hours, binHours, level, slopeOf }: StepSearch): StepFit | null {
  const zeros = slopeOf.map(() => 0)
  let best: { readonly size: TMixture; readonly slope: TMixture; readonly atIndex: number } | null = null
  for (const { atIndex, column } of stepRegressors(hours)) {
    const [slope, size] = lookAt(problem, {
      column,
      contrasts: [
        [...slopeOf, 0],
        [...zeros, 1],
      ],
    })
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
