import { amountProblem, expectedCountProblem, expectedNamesProblem } from './amount-problem.ts'
import { type Amount, COMPARISONS, type Criterion, type GateCriteria } from './criterion.ts'
import { type InputProblem, problemAt, refuseInput } from './input-problems.ts'
import { resolveAmount, resolveNames, unknownParameters, WINDOW_PARAMETERS } from './parameters.ts'
import type { Parameters } from './types.ts'

/** Refuses criteria that use a parameter nobody gives, before anything is asked. */
export function checkParameters(gates: readonly GateCriteria[], parameters: Parameters): void {
  const known = new Set([...Object.keys(parameters), ...WINDOW_PARAMETERS])
  const problems = gates.flatMap((gate) => [
    ...validProblems(gate, known),
    ...gate.criteria.flatMap((criterion) => problemsOf(criterion, known, parameters)),
  ])
  if (problems.length > 0) throw refuseInput(problems)
}

function validProblems({ valid }: GateCriteria, known: ReadonlySet<string>): InputProblem[] {
  if (valid === null) return []
  const unknown = new Set(unknownParameters(valid.promql, known))
  return [...unknown].map((name) => problemAt(valid.source, `valid: there is no parameter $${name}`))
}

function problemsOf(
  criterion: Criterion,
  known: ReadonlySet<string>,
  parameters: Parameters,
): InputProblem[] {
  const complain = (message: string) => problemAt(criterion.source, `${criterion.id}: ${message}`)
  const unknown = new Set(textsOf(criterion).flatMap((text) => unknownParameters(text, known)))
  if (unknown.size > 0) return [...unknown].map((name) => complain(`there is no parameter $${name}`))
  try {
    return wrongAmounts(criterion, { ...parameters, W: 1, START: 0, END: 1 }).map(complain)
  } catch (error) {
    return [complain(error instanceof Error ? error.message : String(error))]
  }
}

/** Every amount and every name with its parameters filled in. */
function wrongAmounts({ judge, expect }: Criterion, parameters: Parameters): readonly string[] {
  const fields = Object.entries(judge) as [string, unknown][]
  const problems = fields.flatMap(([field, value]) =>
    isAmount(field, value) ? [amountProblem(judge.kind, field, resolveAmount(value, parameters))] : [],
  )
  if (expect !== null && 'values' in expect)
    problems.push(expectedNamesProblem(resolveNames(expect.values, parameters)))
  if (expect !== null && 'at_least' in expect)
    problems.push(expectedCountProblem(resolveAmount(expect.at_least, parameters)))
  return problems.filter((problem) => problem !== null)
}

function textsOf(criterion: Criterion): string[] {
  const judge = Object.values(criterion.judge).filter((value) => typeof value === 'string')
  const expected = Object.values(criterion.expect ?? {}).filter((value) => typeof value === 'string')
  return [...criterion.guards.map((guard) => guard.promql), ...judge, ...expected]
}

const AMOUNTS: readonly string[] = ['of', 'limit', 'step', ...COMPARISONS]

function isAmount(field: string, value: unknown): value is Amount {
  return AMOUNTS.includes(field) && (typeof value === 'string' || typeof value === 'number')
}
