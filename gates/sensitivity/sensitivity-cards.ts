import type { Criterion, GateCriteria, Unit } from '../engine/criterion.ts'
import { formatAmount } from '../engine/format-amount.ts'
import { parametersOfWindow } from '../engine/parameters.ts'
import { resolveCriterion } from '../engine/resolve-criterion.ts'
import type { CriterionAnswers, Judgement, RunVerdict, StoredAnswer } from '../engine/types.ts'
import { rememberingDesigner } from '../statistics/trend-fit.ts'
import { type SmallestDefect, smallestDefects } from './spike-in.ts'

/** `sensitivity.json`, beside the verdict: what it would have taken to turn each PASS of this run. */
export interface SensitivityCard extends SmallestDefect {
  readonly criterion: string
  readonly unit: string
  readonly sentence: string
}

/** Cards of every criterion that passed, from the stored answers alone: the same data give the same cards. */
export function sensitivityCards(
  { verdict, answers }: Judgement,
  criteria: readonly GateCriteria[],
): readonly SensitivityCard[] {
  const design = rememberingDesigner()
  return verdict.gates.flatMap((gate) => {
    const known = criteria.find((one) => one.gate === gate.gate)?.criteria ?? []
    const passed = known.filter((one) =>
      gate.criteria.some(({ id, verdict: said }) => id === one.id && said === 'PASS'),
    )
    return passed.flatMap((criterion) => {
      const { judge, expected } = resolved(criterion, verdict, gate)
      const byRole = answersOf(answers, criterion.id)
      return smallestDefects({ judge, expected, answers: byRole, design }).map((one) =>
        cardOf(criterion, one),
      )
    })
  })
}

function resolved(criterion: Criterion, verdict: RunVerdict, gate: RunVerdict['gates'][number]) {
  const { start, end, planned_seconds } = gate
  return resolveCriterion(
    criterion,
    parametersOfWindow(verdict.parameters, { gate: gate.gate, start, end, planned_seconds }),
  )
}

function answersOf(answers: readonly CriterionAnswers[], id: string): ReadonlyMap<string, StoredAnswer> {
  const own = answers.find((one) => one.id === id)?.answers ?? []
  return new Map(own.map(({ role, answer }) => [role, answer]))
}

function cardOf({ id, title, unit }: Criterion, defect: SmallestDefect): SensitivityCard {
  const shown =
    defect.defect === 'error burst'
      ? `${defect.smallest} more errors`
      : `a ${defect.defect} of ${formatAmount(defect.smallest, unit as Unit)}`
  const where = defect.series === '' ? '' : ` of ${defect.series}`
  const sentence = `${title}${where}: ${shown} would have made it ${defect.becomes}.`
  return { criterion: id, ...defect, unit: defect.defect === 'error burst' ? 'count' : unit, sentence }
}
