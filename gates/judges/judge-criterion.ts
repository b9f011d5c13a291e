import type { Comparison } from '../engine/criterion.ts'
import type { StoredAnswer } from '../engine/types.ts'
import type { TrendDesigner } from '../statistics/trend-fit.ts'
import { judgeCount } from './judge-count.ts'
import { judgeLedger } from './judge-ledger.ts'
import type { JudgeOutcome } from './judge-outcome.ts'
import { judgeRatioBound } from './judge-ratio-bound.ts'
import { judgeScalar } from './judge-scalar.ts'
import { judgeTrend, type TrendLimit } from './judge-trend.ts'
import type { ExpectedSeries } from './read-samples.ts'

/** A judge with every parameter filled in. */
export type ResolvedJudge =
  | { readonly kind: 'scalar'; readonly comparison: Comparison; readonly limit: number }
  | { readonly kind: 'count'; readonly of: number }
  | { readonly kind: 'ratio-bound'; readonly limit: number; readonly confidence: number }
  | { readonly kind: 'ledger' }
  | TrendLimit

/** Stored answers by the field of the criterion they belong to: value, errors, total, left, right, series. */
export type AnswersByRole = ReadonlyMap<string, StoredAnswer>

/** The one door to the judges. Pure: stored answers in, results out. */
export function judgeCriterion(
  judge: ResolvedJudge,
  answers: AnswersByRole,
  expected: ExpectedSeries,
  design?: TrendDesigner,
): JudgeOutcome {
  switch (judge.kind) {
    case 'scalar':
      return judgeScalar(judge, answers.get('value'), expected)
    case 'count':
      return judgeCount(judge, answers.get('value'), expected)
    case 'ratio-bound':
      return judgeRatioBound(judge, answers.get('errors'), answers.get('total'), expected)
    case 'ledger':
      return judgeLedger(answers.get('left'), answers.get('right'), expected)
    case 'growth-bound':
    case 'drift-bound':
      return judgeTrend(judge, answers.get('series'), expected, design)
  }
}
