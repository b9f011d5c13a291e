import { askQueries, queryKey } from '../../engine/ask-queries.ts'
import type { Criterion } from '../../engine/criterion.ts'
import { judgeGate } from '../../engine/judge-resolved.ts'
import { parametersOfWindow } from '../../engine/parameters.ts'
import type { PrometheusClient } from '../../engine/prometheus-client.ts'
import { resolveCriterion } from '../../engine/resolve-criterion.ts'
import type { CriterionResult, StoredAnswer } from '../../engine/types.ts'
import type { PlacedCase } from './judge-cases.ts'

/** One criterion on one case, as the engine judges it. */
export async function judgePlaced(
  criterion: Criterion,
  { planted, start }: PlacedCase,
  client: PrometheusClient,
): Promise<CriterionResult> {
  const end = start + planted.seconds
  const window = { gate: planted.gate, start, end, planned_seconds: planted.seconds }
  const resolved = resolveCriterion(criterion, parametersOfWindow(planted.parameters, window))
  const answers = await askQueries([resolved], client)
  const byRole = new Map<string, StoredAnswer>()
  for (const query of resolved.queries) {
    const answer = answers.get(queryKey(query))
    if (answer !== undefined) byRole.set(query.role, answer)
  }
  const [result] = judgeGate([{ resolved, answers: byRole }], window)
  if (result === undefined) throw new Error('a criterion without a result')
  return result
}

/** Asks each question once: mutants of a criterion share most of their queries. */
export function rememberingClient(client: PrometheusClient): PrometheusClient {
  const known = new Map<string, Promise<unknown>>()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const answer = known.get(key) ?? ask()
    known.set(key, answer)
    return answer as Promise<T>
  }
  return {
    instant: (query, time) => once(`${time} ${query}`, () => client.instant(query, time)),
    range: (query, window) => once(`${JSON.stringify(window)} ${query}`, () => client.range(query, window)),
  }
}
