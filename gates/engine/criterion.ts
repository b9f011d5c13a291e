import type { ReasonCode } from './types.ts'

export const UNITS = ['count', 'ratio', 'seconds', 'bytes', 'bytes/h', 'count/h', 'seconds/h'] as const
export type Unit = (typeof UNITS)[number]

/** A limit is a number, or `$NAME` of a parameter. */
export type Amount = number | string

/** Exactly these series, no fewer, no more; or, where names are not known before, at least so many. */
export type Expectation =
  | { readonly label: string; readonly values: readonly string[] | string }
  | { readonly label: string; readonly at_least: Amount }

/** One sample that must be 1, or the data may not be judged. */
export interface Guard {
  readonly name: string
  readonly promql: string
  readonly reason: ReasonCode
  readonly says: string
  /** "all": nothing may be said. "pass": a violation was seen all the same, but nothing is demonstrated. */
  readonly blocks: 'all' | 'pass'
}

export const COMPARISONS = ['at_most', 'below', 'at_least', 'above'] as const
export type Comparison = (typeof COMPARISONS)[number]

export type ScalarSpec = { readonly kind: 'scalar'; readonly value: string } & {
  readonly [name in Comparison]?: Amount
}

/** n of n. */
export interface CountSpec {
  readonly kind: 'count'
  readonly value: string
  readonly of: Amount
}

export interface RatioBoundSpec {
  readonly kind: 'ratio-bound'
  readonly errors: string
  readonly total: string
  readonly limit: Amount
  readonly confidence: number
}

/** An identity that must hold exactly, series by series. */
export interface LedgerSpec {
  readonly kind: 'ledger'
  readonly left: string
  readonly right: string
}

export interface GrowthBoundSpec {
  readonly kind: 'growth-bound'
  readonly series: string
  /** Seconds between the points asked for. */
  readonly step: Amount
  /** Growth per hour, in the unit without "/h". */
  readonly limit: Amount
  /** A series that never changes is a dead sensor, unless this is said. */
  readonly may_be_constant?: boolean
}

export interface DriftBoundSpec {
  readonly kind: 'drift-bound'
  readonly series: string
  readonly step: Amount
  /** Relative drift over the window: 0.1 is + 10 %. */
  readonly limit: Amount
}

export type JudgeSpec =
  | ScalarSpec
  | CountSpec
  | RatioBoundSpec
  | LedgerSpec
  | GrowthBoundSpec
  | DriftBoundSpec

export interface Criterion {
  readonly id: string
  readonly gate: string
  readonly title: string
  readonly why: string
  readonly unit: Unit
  /** Shortest window that can decide it; 0 where any can. */
  readonly needsSeconds: number
  readonly expect: Expectation | null
  readonly guards: readonly Guard[]
  readonly judge: JudgeSpec
  /** "soak.yaml:12", for errors. */
  readonly source: string
}

/** What is 1 at each moment at which the record of a gate is sound. */
export interface ValidWhen {
  readonly promql: string
  readonly source: string
}

export interface GateCriteria {
  readonly gate: string
  readonly title: string
  readonly valid: ValidWhen | null
  readonly criteria: readonly Criterion[]
}
