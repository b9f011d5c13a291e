import { type Floors, floorsOf, quantumOf, type Sample } from './floors.ts'
import { decideTrend, type TrendReason } from './trend-decision.ts'
import { fitTrend, type TrendDesigner, type TrendFit } from './trend-fit.ts'
import { binHoursFor, type TrendProfile, warmupHoursFor } from './trend-profile.ts'

export interface TrendQuestion {
  readonly profile: TrendProfile
  /** Largest growth that is no growth, in units of the series an hour. */
  readonly delta: number
  /** Length of the soak, warm-up included. */
  readonly soakHours: number
  /** A resolution of the source that is coarser than the values show; 0 where there is none. */
  readonly knownQuantum?: number
  /** A series that never changes is taken for a dead sensor, unless this is said. */
  readonly mayBeConstant?: boolean
  /** Shares the costly part between series of equal times. */
  readonly design?: TrendDesigner
}

export interface TrendAnswer {
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE'
  /** `DATA`: too few bins. `FROZEN`: never changes. */
  readonly reason: TrendReason | 'DATA' | 'FROZEN'
  /** Null where there was nothing to fit. */
  readonly fit: TrendFit | null
  readonly floors: Floors
}

const BINS_NEEDED = 10
const BINS_DROPPED_MAX = 2

/** Whether a series grows by less than delta, by more, or cannot be said. Pure: the same samples, the same answer. */
export function boundTrend(samples: readonly Sample[], question: TrendQuestion): TrendAnswer {
  const { profile, delta, soakHours, knownQuantum = 0, mayBeConstant = false } = question
  const startHours = warmupHoursFor(soakHours)
  const binHours = binHoursFor(soakHours - startHours)
  const floors = floorsOf(samples, { startHours, endHours: soakHours, binHours, reduce: profile.reduce })
  const nothing = { verdict: 'INCONCLUSIVE', fit: null, floors } as const
  if (floors.values.length < BINS_NEEDED || floors.dropped > BINS_DROPPED_MAX)
    return { ...nothing, reason: 'DATA' }
  if (!mayBeConstant && isConstant(samples, startHours)) return { ...nothing, reason: 'FROZEN' }
  const quantum =
    profile.reduce === 'lowest' ? Math.max(knownQuantum, quantumOf(samples, startHours)) : knownQuantum
  const shared = question.design === undefined ? {} : { design: question.design }
  const fit = fitTrend(floors, { binHours, quantum, profile, ...shared })
  return { ...decideTrend(fit, delta, profile), fit, floors }
}

function isConstant(samples: readonly Sample[], startHours: number): boolean {
  const values = new Set<number>()
  for (const { hours, value } of samples) {
    if (hours >= startHours && !Number.isNaN(value)) values.add(value)
    if (values.size > 1) return false
  }
  return true
}
