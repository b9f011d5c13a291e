import type { ResolvedJudge } from '../judges/judge-criterion.ts'
import type { Guard, Unit } from './criterion.ts'
import { formatAmount } from './format-amount.ts'
import type { CriterionResult, NotJudged, ReasonCode } from './types.ts'

type Judged = Omit<CriterionResult, 'sentence'>

/** One sentence for a person who does not know PromQL: what was asked, what was found, what is missing. */
export function sentenceOf(result: Judged, judge: ResolvedJudge, broken: readonly Guard[]): string {
  if (result.verdict === 'INCONCLUSIVE') return inconclusive(result, broken)
  return `${result.title}: ${found(result, judge)}${offenders(result)}.`
}

export function notJudgedSentence(entry: Omit<NotJudged, 'sentence'>): string {
  const needs = hours(entry.needs_seconds)
  return `${entry.title}: not judged, needs a window of at least ${needs}; this profile has ${hours(entry.planned_seconds)}.`
}

function found(result: Judged, judge: ResolvedJudge): string {
  const unit = result.unit as Unit
  const value = result.value === null ? 'nothing' : formatAmount(result.value, unit)
  switch (judge.kind) {
    case 'scalar':
      return `${value}, ${COMPARISON_WORDS[judge.comparison]} ${formatAmount(judge.limit, unit)} asked`
    case 'count':
      return `${value} of ${formatAmount(judge.of, unit)}`
    case 'ledger':
      return result.value === 0 ? 'the books balance exactly' : `the books differ by ${value}`
    case 'ratio-bound':
      return ratioFound(result, judge.confidence)
    case 'growth-bound':
    case 'drift-bound':
      return trendFound(result, judge.kind)
  }
}

const COMPARISON_WORDS = { at_most: 'at most', below: 'below', at_least: 'at least', above: 'above' } as const

function ratioFound(result: Judged, confidence: number): string {
  const limit = formatAmount(result.limit ?? 0, 'ratio')
  const seen = formatAmount(result.value ?? 0, 'ratio')
  if (result.verdict === 'FAIL') return `${seen} of ${result.samples}, below ${limit} asked`
  const bound = formatAmount(result.bound ?? 1, 'ratio')
  return `${seen} of ${result.samples}, below ${bound} (${Math.round(confidence * 100)} %), limit ${limit}`
}

function trendFound(result: Judged, kind: 'growth-bound' | 'drift-bound'): string {
  const unit = result.unit as Unit
  const word = kind === 'growth-bound' ? 'grows' : 'drifts'
  const limit = formatAmount(result.limit ?? 0, unit)
  if (result.verdict === 'FAIL')
    return `${word} by ${formatAmount(result.value ?? 0, unit)}, less than ${limit} asked`
  const resolution =
    result.resolution === null ? '' : `; this run could have seen ${formatAmount(result.resolution, unit)}`
  const bound = formatAmount(result.bound ?? 0, unit)
  return `${word} by less than ${bound} (95 %), limit ${limit}${resolution}${nearest(result)}`
}

/** The series closest to its limit: its bound is the one shown. */
function nearest({ series, bound }: Judged): string {
  const one = series.find((candidate) => candidate.bound === bound && candidate.series !== '')
  return one === undefined ? '' : `; closest: ${one.series}`
}

const NAMED_MAX = 5

/** Names the series that failed: a flaky test, a service that restarted. */
function offenders({ series, verdict }: Judged): string {
  if (verdict !== 'FAIL') return ''
  const names = series.filter((one) => one.verdict === 'FAIL' && one.series !== '').map((one) => one.series)
  if (names.length === 0) return ''
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : ''
  return ` (${names.slice(0, NAMED_MAX).join(', ')}${more})`
}

const REASON_WORDS: Readonly<Record<ReasonCode, string>> = {
  NO_SERIES: 'a series that should be there is missing',
  NAN: 'a value is not a number',
  MULTI_SERIES: 'there are more series than were asked for',
  COVERAGE: 'too many scrapes are missing or failed',
  GAP: 'there is a hole in the recorded data',
  RESTART_IN_WINDOW: 'a process was restarted inside the window',
  LOAD_NOT_DELIVERED: 'the planned load was not delivered',
  CLIENT_SERVER_MISMATCH: 'client and server counted differently',
  COUNTER_INCONSISTENT: 'counters contradict each other',
  UNSETTLED_WARMUP: 'it had not settled after the warm-up',
  UNDERPOWERED: 'the run was too short or too noisy to tell',
  NONLINEAR: 'it does not change at a steady rate',
  FROZEN: 'the series never changed: a dead sensor',
  CONFIG_CHANGED: 'the configuration changed inside the window',
  DIRTY_BUILD: 'the build is not the one that was committed',
  CLOCK_STEP: 'the clock was set inside the window',
  HOST_SATURATED: 'the machine was out of CPU',
  EVALUATION_ERROR: 'Prometheus gave no clean answer',
  ABORTED: 'the run ended before its time',
}

function inconclusive(result: Judged, broken: readonly Guard[]): string {
  const named = result.series.filter((one) => one.verdict === 'INCONCLUSIVE' && one.series !== '')
  const where =
    named.length === 0
      ? ''
      : ` (${named
          .slice(0, NAMED_MAX)
          .map((one) => one.series)
          .join(', ')})`
  const why = result.reasons.map((reason) => `${REASON_WORDS[reason]} (${reason})`).join('; ')
  const unmet = broken.length === 0 ? '' : `; not met: ${broken.map((guard) => guard.says).join('; ')}`
  return `${result.title}: cannot be judged${where}: ${why}${unmet}.`
}

function hours(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200
    ? `${Number((seconds / 60).toFixed(1))} min`
    : `${Number((seconds / 3600).toFixed(1))} h`
}
