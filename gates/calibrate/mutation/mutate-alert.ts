import { type Mutant, mutatePromql } from './mutate-promql.ts'

/** One alert of a rule file, as far as mutation goes. */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
}

export interface AlertMutant {
  readonly rule: AlertRule
  readonly operator: Mutant['operator']
  readonly change: string
}

/** Every small wrong change of an alert: of its expression, its threshold, and how long it waits. */
export function mutateAlert(rule: AlertRule): readonly AlertMutant[] {
  const ofExpression = [
    ...mutatePromql(rule.expr),
    ...withoutOperands(rule.expr),
    ...loosenedThresholds(rule.expr),
  ]
  return [
    ...ofExpression.map(({ operator, text }) => ({
      rule: { ...rule, expr: text },
      operator,
      change: `expr: ${text}`,
    })),
    ...waits(rule),
  ]
}

/** `a and b`, `a unless b`, `a or b` without what follows, up to the end of its parentheses. */
function withoutOperands(text: string): readonly Mutant[] {
  return [...text.matchAll(/ (?:and|unless|or) /g)].map(({ index }) => ({
    operator: 'remove guard',
    text: text.slice(0, index) + text.slice(endOfGroup(text, index)),
  }))
}

function endOfGroup(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    if (text[at] === ')') depth -= 1
    if (depth < 0) return at
  }
  return text.length
}

/** Twice as far in the direction of silence; a threshold of 0 has no double. */
function loosenedThresholds(text: string): readonly Mutant[] {
  return [...text.matchAll(/([<>]=?) (\d+(?:\.\d+)?)/g)].flatMap(
    ([all, sign = '', number = '']): Mutant[] => {
      const looser = sign.startsWith('>') ? Number(number) * 2 : Number(number) / 2
      if (Number(number) === 0) return []
      return [{ operator: 'loosen limit', text: text.replace(all, `${sign} ${looser}`) }]
    },
  )
}

const LONGER = 20

function waits(rule: AlertRule): readonly AlertMutant[] {
  const { for: wait, ...hasty } = rule
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(wait ?? '') ?? []
  if (amount === undefined) return []
  const later = `${Number(amount) * LONGER}${unit}`
  return [
    { rule: hasty, operator: 'remove guard', change: `does not wait ${wait}` },
    { rule: { ...rule, for: later }, operator: 'loosen limit', change: `waits ${later} instead of ${wait}` },
  ]
}
