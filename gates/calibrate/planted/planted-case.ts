import type { Parameters, ReasonCode, Verdict } from '../../engine/types.ts'
import type { PlantedSeries } from './planted-series.ts'

/** What a criterion must say of a case: its verdict, and for INCONCLUSIVE a reason that must be among its reasons. */
export type Expected = Verdict | ReasonCode

/** A history with something planted in it, and what each criterion named must say. */
export interface PlantedCase {
  readonly name: string
  readonly gate: string
  readonly seconds: number
  readonly scrapeSeconds: number
  readonly parameters: Parameters
  readonly series: readonly PlantedSeries[]
  /** Seconds since the window began between which the gate looked away. */
  readonly pause?: readonly [number, number]
  /** By criterion id; `*` for all others that are judged. */
  readonly expect: Readonly<Record<string, Expected>>
}
