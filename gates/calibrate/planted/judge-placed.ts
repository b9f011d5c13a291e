import { askQueries, queryKey } from '../../engine/ask-queries.ts'
import type { Criterion } from '../../engine/criterion.ts'
import { judgeGate } from '../../engine/judge-resolved.ts'
import { parametersOfWindow } from '../../engine/parameters.ts'
import type { PrometheusClient } from '../../engine/prometheus-client.ts'
import { resolveCriterion } from '../../engine/resolve-criterion.ts'
import type { CriterionResult, StoredAnswer } from '../../engine/types.ts'
import { judgeCriterion } from '../../judges/judge-criterion.ts'
import { rememberingDesigner } from '../../statistics/trend-fit.ts'
import { withWiderParameters } from '../mutation/mutate-promql.ts'
import type { PlacedCase } from './judge-cases.ts'

/** One criterion on one case, as the engine judges it. */
export async function judgePlaced(
  criterion: Criterion,
  { planted, start }: PlacedCase,
  client: PrometheusClient,
  judge: typeof judgeCriterion = judgeCriterion,
): Promise<CriterionResult> {
  const end = start + planted.seconds
  const pause = planted.pause?.map((seconds) => start + seconds)
  const window = {
    gate: planted.gate,
    start,
    end,
    planned_seconds: planted.seconds,
    ...(pause === undefined ? {} : { pause: { start: pause[0] ?? start, end: pause[1] ?? end } }),
  }
  const resolved = resolveCriterion(
    criterion,
    withWiderParameters(parametersOfWindow(planted.parameters, window)),
  )
  const answers = await askQueries([resolved], client)
  const byRole = new Map<string, StoredAnswer>()
  for (const query of resolved.queries) {
    const answer = answers.get(queryKey(query))
    if (answer !== undefined) byRole.set(query.role, answer)
  }
  const [result] = judgeGate([{ resolved, answers: byRole }], window, judge)
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

/** Judges each answer once: a changed guard does not change what a judge says of its series. */
export function rememberingJudge(): typeof judgeCriterion {
  const known = new Map<string, ReturnType<typeof judgeCriterion>>()
  const design = rememberingDesigner()
  return (judge, answers, expected) => {
    const asked = [...answers].filter(([role]) => !role.startsWith('guard '))
    const questions = asked.map(([role, answer]) => [
      role,
      answer.query,
      answer.kind === 'range' ? answer.end : answer.time,
    ])
    const key = JSON.stringify([judge, questions, expected])
    const outcome = known.get(key) ?? judgeCriterion(judge, answers, expected, design)
    known.set(key, outcome)
    return outcome
  }
}
