/** Shapes of the gate engine. What is written to `verdict.json` is snake_case; all numbers in it are finite or null. */

export const VERDICTS = ['PASS', 'FAIL', 'INCONCLUSIVE'] as const
export type Verdict = (typeof VERDICTS)[number]

/** Why a criterion could not be judged. A closed list: every code has a planted case in the tests. */
export const REASON_CODES = [
  'NO_SERIES',
  'NAN',
  'MULTI_SERIES',
  'COVERAGE',
  'GAP',
  'RESTART_IN_WINDOW',
  'LOAD_NOT_DELIVERED',
  'CLIENT_SERVER_MISMATCH',
  'COUNTER_INCONSISTENT',
  'UNSETTLED_WARMUP',
  'UNDERPOWERED',
  'NONLINEAR',
  'FROZEN',
  'CONFIG_CHANGED',
  'DIRTY_BUILD',
  'CLOCK_STEP',
  'HOST_SATURATED',
  'EVALUATION_ERROR',
  'ABORTED',
] as const
export type ReasonCode = (typeof REASON_CODES)[number]

/** The product's own gates, in the order in which they run. Foreign criteria files may name others. */
export const GATE_IDS = [
  'go-no-go',
  'soak',
  'determinism',
  'security',
  'durability',
  'observability',
  'release-lock',
] as const

/** The time a gate is judged over, in whole seconds since the epoch, on the scrape grid. */
export interface GateWindow {
  readonly gate: string
  readonly start: number
  readonly end: number
  /** Length the profile promised. A shorter window blocks PASS (ABORTED); it alone decides NOT_JUDGED. */
  readonly planned_seconds: number
  /** Inside the window, while other gates were at work; what was recorded then says nothing of this one. */
  readonly pause?: { readonly start: number; readonly end: number }
}

/** A value of an expression's `$NAME`: seconds, a count, a name, or a closed list of names. */
export type ParameterValue = number | string | readonly string[]
export type Parameters = Readonly<Record<string, ParameterValue>>

export type Labels = Readonly<Record<string, string>>

/** Prometheus writes values as text ("NaN", "+Inf" too); they are kept as they came. */
export interface InstantSample {
  readonly labels: Labels
  readonly time: number
  readonly value: string
}

export interface RangeSeries {
  readonly labels: Labels
  /** [seconds since the epoch, value as Prometheus wrote it] */
  readonly values: readonly (readonly [number, string])[]
}

export const ANSWER_FAULTS = [
  'unreachable',
  'timeout',
  'too_large',
  'malformed',
  'rejected',
  'warning',
] as const

/** An answer that may not be judged: no connection, no time, an error, or an answer with warnings (partial). */
export interface AnswerFault {
  readonly kind: (typeof ANSWER_FAULTS)[number]
  readonly message: string
}

interface AnswerCommon {
  /** The query as asked: every parameter resolved. */
  readonly query: string
  readonly fault: AnswerFault | null
}

export interface InstantAnswer extends AnswerCommon {
  readonly kind: 'instant'
  readonly time: number
  /** Sorted by labels. */
  readonly data: readonly InstantSample[]
}

export interface RangeAnswer extends AnswerCommon {
  readonly kind: 'range'
  readonly start: number
  readonly end: number
  readonly step: number
  /** Sorted by labels. */
  readonly data: readonly RangeSeries[]
}

/** What Prometheus said, stored in the bundle; a judge sees nothing else. */
export type StoredAnswer = InstantAnswer | RangeAnswer

/** One query of a criterion: `role` is the judge's field (`value`, `errors`, `series` ...) or `guard <name>`. */
export interface AskedQuery {
  readonly role: string
  readonly query: string
  readonly kind: StoredAnswer['kind']
  readonly start: number | null
  readonly end: number
  readonly step: number | null
}

/** Judgement of one series of a criterion; a criterion over one series has exactly one. */
export interface SeriesResult {
  /** "" where the criterion has one series without labels. */
  readonly series: string
  readonly verdict: Verdict
  readonly reasons: readonly ReasonCode[]
  readonly value: number | null
  readonly bound: number | null
  readonly resolution: number | null
  readonly samples: number
}

export interface CriterionResult {
  readonly id: string
  readonly gate: string
  readonly title: string
  readonly why: string
  /** Kind of judge: scalar, count, ratio-bound, ledger, growth-bound, drift-bound. */
  readonly judge: string
  readonly verdict: Verdict
  readonly reasons: readonly ReasonCode[]
  /** Of the worst series. */
  readonly value: number | null
  readonly bound: number | null
  readonly limit: number | null
  readonly unit: string
  /** The smallest departure which this run could have seen, in the unit; null where the judge counts exactly. */
  readonly resolution: number | null
  readonly samples: number
  readonly series: readonly SeriesResult[]
  readonly queries: readonly AskedQuery[]
  readonly sentence: string
}

/** A criterion that the run's planned length cannot decide; fixed before the run. */
export interface NotJudged {
  readonly id: string
  readonly gate: string
  readonly title: string
  readonly needs_seconds: number
  readonly planned_seconds: number
  readonly sentence: string
}

/** The longest unbroken part of a window whose record is sound, whatever the rest of it is worth. */
export interface ValidPart {
  readonly start: number
  readonly end: number
  /** Of the window. */
  readonly share: number
  readonly sentence: string
}

export interface GateResult {
  readonly gate: string
  readonly title: string
  readonly verdict: Verdict
  readonly start: number
  readonly end: number
  readonly planned_seconds: number
  /** Absent where the criteria file does not say when a record is sound. */
  readonly valid_part?: ValidPart
  readonly criteria: readonly CriterionResult[]
  readonly not_judged: readonly NotJudged[]
}

/** `verdict.json`: no wall clock but the windows, no path, no port, no duration; the same data give the same bytes. */
export interface RunVerdict {
  readonly schema: 'sonia-verdict/1'
  readonly verdict: Verdict
  /** Everything `judgeRun` needs besides the criteria and the data. */
  readonly parameters: Parameters
  readonly gates: readonly GateResult[]
  readonly not_judged: readonly NotJudged[]
}

/** Raw answers of one criterion, in the order asked: guards first, then the judge's own. */
export interface CriterionAnswers {
  readonly id: string
  readonly gate: string
  readonly answers: readonly { readonly role: string; readonly answer: StoredAnswer }[]
}

/** What `judgeRunWithAnswers` returns: the verdict, and what it rests on (`gates/<gate>/answers.json`). */
export interface Judgement {
  readonly verdict: RunVerdict
  readonly answers: readonly CriterionAnswers[]
}
