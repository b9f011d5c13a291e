import type { JudgeSpec } from './criterion.ts'

type Rule = readonly [isRight: (amount: number) => boolean, asked: string]

const POSITIVE: Rule = [(amount) => amount > 0, 'more than 0']
const WHOLE: Rule = [(amount) => Number.isInteger(amount) && amount >= 1, 'a whole number of at least 1']
const SHARE: Rule = [(amount) => amount > 0 && amount < 1, 'between 0 and 1: 0.005 is 0.5 %']

/** What a field may hold, where not every number makes sense; 0 of 0 would be nothing that passes. */
const RULES: Readonly<Partial<Record<JudgeSpec['kind'], Readonly<Record<string, Rule>>>>> = {
  count: { of: WHOLE },
  'ratio-bound': { limit: SHARE },
  'growth-bound': { limit: POSITIVE, step: POSITIVE },
  'drift-bound': { limit: POSITIVE, step: POSITIVE },
}

/** What is wrong with an amount, all parameters filled in; null where nothing is. */
export function amountProblem(kind: JudgeSpec['kind'], field: string, amount: number): string | null {
  if (!Number.isFinite(amount)) return `${field} is no finite number`
  const [isRight, asked] = RULES[kind]?.[field] ?? [() => true, '']
  return isRight(amount) ? null : `${field} is ${amount}, and must be ${asked}`
}

/** The fewest series that an expectation may ask for. */
export function expectedCountProblem(amount: number): string | null {
  const [isRight, asked] = WHOLE
  return isRight(amount) ? null : `expect.at_least is ${amount}, and must be ${asked}`
}

/** An expectation that names nobody would be met by nothing at all. */
export function expectedNamesProblem(names: readonly string[]): string | null {
  if (names.length === 0) return 'expect.values names nobody'
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? null : `expect.values names ${twice} twice`
}
