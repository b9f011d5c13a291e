import type { ExpectedSeries } from '../judges/read-samples.ts'
import type { ResolvedJudge } from '../judges/judge-criterion.ts'
import { comparisonOf } from './build-criteria.ts'
import type { Criterion, Expectation, JudgeSpec } from './criterion.ts'
import { resolveAmount, resolveExpression, resolveNames } from './parameters.ts'
import type { AskedQuery, Parameters } from './types.ts'

/** A criterion with its parameters filled in: what to ask, and how to judge the answers. */
export interface ResolvedCriterion {
  readonly criterion: Criterion
  readonly judge: ResolvedJudge
  readonly expected: ExpectedSeries
  /** Guards first, then the judge's own, in the order of the file. */
  readonly queries: readonly AskedQuery[]
}

/** Role under which a guard's answer is stored. */
export function guardRole(name: string): string {
  return `guard ${name}`
}

/** `parameters` are those of the gate's window. */
export function resolveCriterion(criterion: Criterion, parameters: Parameters): ResolvedCriterion {
  const end = resolveAmount('$END', parameters)
  const instant = (role: string, promql: string): AskedQuery => {
    return {
      role,
      query: resolveExpression(promql, parameters),
      kind: 'instant',
      start: null,
      end,
      step: null,
    }
  }
  const guards = criterion.guards.map((guard) => instant(guardRole(guard.name), guard.promql))
  return {
    criterion,
    judge: resolveJudge(criterion.judge, parameters),
    expected: resolveExpectation(criterion.expect, parameters),
    queries: [...guards, ...judgeQueries(criterion.judge, instant, parameters)],
  }
}

function resolveExpectation(expect: Expectation | null, parameters: Parameters): ExpectedSeries {
  if (expect === null) return null
  if ('values' in expect) return { label: expect.label, values: resolveNames(expect.values, parameters) }
  return { label: expect.label, atLeast: resolveAmount(expect.at_least, parameters) }
}

function resolveJudge(spec: JudgeSpec, parameters: Parameters): ResolvedJudge {
  const amount = (value: number | string) => resolveAmount(value, parameters)
  switch (spec.kind) {
    case 'scalar': {
      const { comparison, limit } = comparisonOf(spec)
      return { kind: 'scalar', comparison, limit: amount(limit) }
    }
    case 'count':
      return { kind: 'count', of: amount(spec.of) }
    case 'ratio-bound':
      return { kind: 'ratio-bound', limit: amount(spec.limit), confidence: spec.confidence }
    case 'ledger':
      return { kind: 'ledger' }
    case 'growth-bound': {
      const mayBeConstant = spec.may_be_constant ?? false
      return { kind: spec.kind, limit: amount(spec.limit), windowSeconds: amount('$W'), mayBeConstant }
    }
    case 'drift-bound':
      return { kind: spec.kind, limit: amount(spec.limit), windowSeconds: amount('$W'), mayBeConstant: false }
  }
}

function judgeQueries(
  spec: JudgeSpec,
  instant: (role: string, promql: string) => AskedQuery,
  parameters: Parameters,
): AskedQuery[] {
  switch (spec.kind) {
    case 'scalar':
    case 'count':
      return [instant('value', spec.value)]
    case 'ratio-bound':
      return [instant('errors', spec.errors), instant('total', spec.total)]
    case 'ledger':
      return [instant('left', spec.left), instant('right', spec.right)]
    case 'growth-bound':
    case 'drift-bound': {
      const step = resolveAmount(spec.step, parameters)
      // The point at START would speak of the time before it.
      const start = resolveAmount('$START', parameters) + step
      return [{ ...instant('series', spec.series), kind: 'range', start, step }]
    }
  }
}
