import type { Criterion, Guard, JudgeSpec } from '../../engine/criterion.ts'
import { type Mutant, mutatePromql } from './mutate-promql.ts'

export interface CriterionMutant {
  readonly criterion: Criterion
  readonly operator: Mutant['operator']
  /** What was changed, for a person. */
  readonly change: string
}

/** Every small wrong change of a criterion: of its own expressions and limit, and of its guards. */
export function mutateCriterion(criterion: Criterion): readonly CriterionMutant[] {
  return [...judgeMutants(criterion), ...limitMutants(criterion), ...guardMutants(criterion)]
}

const EXPRESSIONS = ['value', 'errors', 'total', 'left', 'right', 'series'] as const

function judgeMutants(criterion: Criterion): readonly CriterionMutant[] {
  const fields = criterion.judge as unknown as Readonly<Record<string, unknown>>
  return EXPRESSIONS.flatMap((field) => {
    const text = fields[field]
    if (typeof text !== 'string') return []
    return mutatePromql(text).map((mutant) => ({
      criterion: { ...criterion, judge: { ...fields, [field]: mutant.text } as unknown as JudgeSpec },
      operator: mutant.operator,
      change: `${field}: ${mutant.text}`,
    }))
  })
}

const LOOSER = {
  at_most: (limit: string) => loosened(limit, 2, 1),
  below: (limit: string) => loosened(limit, 2, 1),
  limit: (limit: string) => loosened(limit, 2, 1),
  at_least: (limit: string) => loosened(limit, 0.5, -1),
  above: (limit: string) => loosened(limit, 0.5, -1),
  of: (limit: string) => loosened(limit, 1, -1),
} as const

/** Twice as far, or by one where that is nothing. */
function loosened(limit: string, factor: number, extra: number): number {
  const number = Number(limit)
  return number * factor === number ? number + extra : number * factor
}

/** Parameters are numbers by now. */
function limitMutants(criterion: Criterion): readonly CriterionMutant[] {
  const fields = criterion.judge as unknown as Readonly<Record<string, unknown>>
  return Object.entries(LOOSER).flatMap(([field, loosen]) => {
    const limit = fields[field]
    if (typeof limit !== 'number') return []
    const looser = loosen(String(limit))
    return [
      {
        criterion: { ...criterion, judge: { ...fields, [field]: looser } as unknown as JudgeSpec },
        operator: 'loosen limit' as const,
        change: `${field}: ${looser} instead of ${limit}`,
      },
    ]
  })
}

function guardMutants(criterion: Criterion): readonly CriterionMutant[] {
  const with_ = (guards: readonly Guard[]) => ({ ...criterion, guards })
  return criterion.guards.flatMap((guard, index) => [
    {
      criterion: with_(criterion.guards.toSpliced(index, 1)),
      operator: 'remove guard' as const,
      change: `without guard ${guard.name}`,
    },
    ...mutatePromql(guard.promql).map((mutant) => ({
      criterion: with_(criterion.guards.with(index, { ...guard, promql: mutant.text })),
      operator: mutant.operator,
      change: `guard ${guard.name}: ${mutant.text}`,
    })),
  ])
}
