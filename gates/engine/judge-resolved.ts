import { judgeCriterion } from '../judges/judge-criterion.ts'
import { holmRejections } from '../judges/holm.ts'
import { guardReasons } from '../judges/judge-guard.ts'
import type { JudgeOutcome } from '../judges/judge-outcome.ts'
import { composeCriterion, type GuardFindings, worstSeries } from './compose-verdict.ts'
import type { Guard } from './criterion.ts'
import { guardRole, type ResolvedCriterion } from './resolve-criterion.ts'
import { sentenceOf } from './sentences.ts'
import type { CriterionResult, GateWindow, ReasonCode, SeriesResult, StoredAnswer } from './types.ts'

type Answers = ReadonlyMap<string, StoredAnswer>

/** Results of the criteria of one gate from their stored answers (by role). Pure. */
export function judgeGate(
  criteria: readonly { readonly resolved: ResolvedCriterion; readonly answers: Answers }[],
  window: GateWindow,
  judge: typeof judgeCriterion = judgeCriterion,
): readonly CriterionResult[] {
  const outcomes = criteria.map(({ resolved, answers }) => judge(resolved.judge, answers, resolved.expected))
  return withdrawWeakFailures(outcomes).map((outcome, index) => {
    const one = criteria[index]
    if (one === undefined) throw new Error('an outcome without its criterion')
    return resultOf(one.resolved, outcome, { answers: one.answers, window })
  })
}

/**
 * Of many series some fail by chance: a failure that is a matter of probability stands only where it survives the
 * correction for all series of the gate. PASS needs every series and is not corrected.
 */
function withdrawWeakFailures(outcomes: readonly JudgeOutcome[]): readonly JudgeOutcome[] {
  const count = outcomes.reduce(
    (sum, { surprises, series }) => sum + (surprises === undefined ? 0 : series.length),
    0,
  )
  const suspicions = outcomes.flatMap(({ surprises }, outcome) =>
    [...(surprises ?? [])].map(([series, surprise]) => ({ key: `${outcome} ${series}`, surprise })),
  )
  const rejected = holmRejections(
    suspicions.map(({ surprise }) => surprise),
    count,
  )
  const weak = new Set(suspicions.filter((_, index) => rejected[index] !== true).map(({ key }) => key))
  return outcomes.map((outcome, index) => ({
    ...outcome,
    series: outcome.series.map((one) => (weak.has(`${index} ${one.series}`) ? withdrawn(one) : one)),
  }))
}

function withdrawn(series: SeriesResult): SeriesResult {
  return { ...series, verdict: 'INCONCLUSIVE', reasons: ['UNDERPOWERED'] }
}

function resultOf(
  resolved: ResolvedCriterion,
  outcome: JudgeOutcome,
  { answers, window }: { readonly answers: Answers; readonly window: GateWindow },
): CriterionResult {
  const { criterion, judge } = resolved
  const broken = brokenGuards(criterion.guards, answers)
  const guards = findings(broken, window)
  const { verdict, reasons } = composeCriterion(outcome.series, guards)
  const isBlocked = guards.blockingAll.length > 0
  const worst = isBlocked ? undefined : worstSeries(outcome.series, isHighBad(resolved))
  const result = {
    id: criterion.id,
    gate: criterion.gate,
    title: criterion.title,
    why: criterion.why,
    judge: judge.kind,
    verdict,
    reasons,
    value: worst?.value ?? null,
    bound: worst?.bound ?? null,
    limit: outcome.limit,
    unit: criterion.unit,
    resolution: worst?.resolution ?? null,
    samples: isBlocked ? 0 : outcome.series.reduce((sum, series) => sum + series.samples, 0),
    series: isBlocked ? [] : outcome.series.toSorted(bySeries),
    queries: resolved.queries,
  }
  return {
    ...result,
    sentence: sentenceOf(
      result,
      judge,
      broken.map(({ guard }) => guard),
    ),
  }
}

interface BrokenGuard {
  readonly guard: Guard
  readonly reasons: readonly ReasonCode[]
}

function brokenGuards(
  guards: readonly Guard[],
  answers: ReadonlyMap<string, StoredAnswer>,
): readonly BrokenGuard[] {
  return guards
    .map((guard) => ({ guard, reasons: guardReasons(answers.get(guardRole(guard.name)), guard.reason) }))
    .filter(({ reasons }) => reasons.length > 0)
}

/** A window shorter than promised demonstrates nothing, though what it saw was seen. */
function findings(broken: readonly BrokenGuard[], window: GateWindow): GuardFindings {
  const reasonsBlocking = (blocks: Guard['blocks']) =>
    broken.filter(({ guard }) => guard.blocks === blocks).flatMap(({ reasons }) => reasons)
  const isShort = window.end - window.start < window.planned_seconds
  const aborted: readonly ReasonCode[] = isShort ? ['ABORTED'] : []
  return { blockingAll: reasonsBlocking('all'), blockingPass: [...reasonsBlocking('pass'), ...aborted] }
}

function isHighBad({ judge }: ResolvedCriterion): boolean {
  if (judge.kind === 'count') return false
  return judge.kind !== 'scalar' || judge.comparison === 'at_most' || judge.comparison === 'below'
}

function bySeries(a: SeriesResult, b: SeriesResult): number {
  return a.series < b.series ? -1 : a.series > b.series ? 1 : 0
}
