import type { TrendFit } from './trend-fit.ts'
import type { TrendProfile } from './trend-profile.ts'

export type TrendReason =
  /** The whole window grows faster than delta. */
  | 'GROWTH'
  /** The second half does, with certainty. */
  | 'LATE_GROWTH'
  /** Grows above delta, but slows: it may settle. */
  | 'UNSETTLED'
  /** A step explains the growth, or stands beside a bounded trend. */
  | 'STEP'
  /** The values are too coarse to see delta. */
  | 'RESOLUTION'
  /** Too noisy or too short to see delta. */
  | 'UNDERPOWERED'
  /** Bounded as a whole, but not in its second half. */
  | 'LATE'
  | 'BOUNDED'

export interface TrendDecision {
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE'
  readonly reason: TrendReason
}

/** A step counts from this many standard deviations. */
const STEP_STRENGTH = 3
/** A step is material from this share of the growth that delta would allow over the window. */
const STEP_MATERIAL = 0.25
const STEP_QUANTA = 1.25

/**
 * Equivalence, not significance: PASS needs the upper bound below delta, FAIL the lower bound above it
 * (Schuirmann 1987; Berger 1982 for several tests that must all pass). `delta` in units of the series an hour.
 */
export function decideTrend(fit: TrendFit, delta: number, profile: TrendProfile): TrendDecision {
  const step = fit.step !== null && Math.abs(fit.step.strength) >= STEP_STRENGTH ? fit.step : null
  const signs: Signs = {
    isSlowing: fit.kinkUpper < 0,
    stepExplains: step !== null && step.slopeLower <= delta,
    hasStep: step !== null,
  }
  const growing = growthOf(fit, delta, { profile, signs })
  if (growing !== null) return growing
  const blocking = whatBlocksPass(fit, delta, profile)
  if (blocking !== null) return { verdict: 'INCONCLUSIVE', reason: blocking }
  const isMaterial =
    step !== null &&
    Math.abs(step.size) >= Math.max(STEP_MATERIAL * delta * fit.lengthHours, STEP_QUANTA * fit.quantum)
  if (isMaterial) return { verdict: 'INCONCLUSIVE', reason: 'STEP' }
  return { verdict: 'PASS', reason: 'BOUNDED' }
}

interface Signs {
  readonly isSlowing: boolean
  readonly stepExplains: boolean
  readonly hasStep: boolean
}

/** FAIL, or growth that something else may explain; null where the trend is not above delta. */
function growthOf(
  fit: TrendFit,
  delta: number,
  { profile, signs }: { readonly profile: TrendProfile; readonly signs: Signs },
): TrendDecision | null {
  const isExplained = signs.isSlowing || signs.stepExplains
  const isAbove = fit.lower > delta
  const isAboveLate = !profile.usesLateEstimate || fit.late > delta
  if (isAbove && isAboveLate && !isExplained) return { verdict: 'FAIL', reason: 'GROWTH' }
  if (profile.looksForStep && growsLate(fit, delta, signs)) return { verdict: 'FAIL', reason: 'LATE_GROWTH' }
  if (isAbove || (fit.slope > delta && isExplained)) {
    return { verdict: 'INCONCLUSIVE', reason: signs.stepExplains ? 'STEP' : 'UNSETTLED' }
  }
  return null
}

function growsLate(fit: TrendFit, delta: number, { isSlowing, hasStep }: Signs): boolean {
  return fit.lateLower > delta && fit.slope > delta && !isSlowing && !hasStep
}

function whatBlocksPass(fit: TrendFit, delta: number, profile: TrendProfile): TrendReason | null {
  if (fit.quantum >= (delta * fit.lengthHours) / 2) return 'RESOLUTION'
  if (fit.upper >= delta) return 'UNDERPOWERED'
  const isLate =
    fit.lateUpper >= profile.lateFactor * delta || (profile.usesLateEstimate && fit.late >= delta)
  return isLate ? 'LATE' : null
}
