import { CliError, EXIT_CODES } from '../exit-codes.ts'
import { type Asking, askQueries, queryKey } from './ask-queries.ts'
import { checkParameters } from './check-parameters.ts'
import { composeVerdict } from './compose-verdict.ts'
import type { GateCriteria } from './criterion.ts'
import { judgeGate } from './judge-resolved.ts'
import { loadCriteriaFolder } from './load-criteria.ts'
import { splitByLength } from './not-judged.ts'
import { parametersOfWindow } from './parameters.ts'
import { prometheusClient } from './prometheus-client.ts'
import { type ResolvedCriterion, resolveCriterion } from './resolve-criterion.ts'
import type { CriterionAnswers, GateResult, GateWindow, Judgement, Parameters } from './types.ts'
import type { NotJudged, RunVerdict, StoredAnswer, ValidPart } from './types.ts'
import { VALID_ROLE, validPart, validPartId, validQuery } from './valid-part.ts'

export interface JudgeRunOptions {
  /** Folder of `<gate>.yaml` files; each window names one. */
  readonly criteriaFolder: string
  readonly windows: readonly GateWindow[]
  readonly parameters: Parameters
  /** Any Prometheus 3 that holds the recorded series, such as "http://127.0.0.1:9090". */
  readonly prometheusUrl: string
}

/** Judges recorded history. Knows neither the wall clock nor the stack: the same data give the same verdict. */
export async function judgeRun(options: JudgeRunOptions): Promise<RunVerdict> {
  return (await judgeRunWithAnswers(options)).verdict
}

/** The same, with the raw answers the verdict rests on. */
export async function judgeRunWithAnswers(options: JudgeRunOptions): Promise<Judgement> {
  return judgeCriteria(await loadCriteriaFolder(options.criteriaFolder), options)
}

/** The same, by criteria that are loaded already. */
export async function judgeCriteria(
  loaded: readonly GateCriteria[],
  options: Omit<JudgeRunOptions, 'criteriaFolder'>,
): Promise<Judgement> {
  const gates = options.windows.map((window) => ({ window, criteria: criteriaOf(loaded, window) }))
  checkParameters(
    gates.map(({ criteria }) => criteria),
    options.parameters,
  )
  const plans = gates.map(({ window, criteria }) => planGate(window, criteria, options.parameters))
  const client = prometheusClient({ url: options.prometheusUrl })
  const answers = await askQueries(plans.flatMap(askingsOf), client)
  return assemble(plans, answers, options.parameters)
}

interface GatePlan {
  readonly window: GateWindow
  readonly title: string
  readonly resolved: readonly ResolvedCriterion[]
  readonly notJudged: readonly NotJudged[]
  readonly valid: Asking | null
  /** Seconds after which a break in the record shows. */
  readonly lagSeconds: number
}

function criteriaOf(loaded: readonly GateCriteria[], window: GateWindow): GateCriteria {
  if (!(window.end > window.start)) {
    throw new CliError(EXIT_CODES.badInput, `the window of ${window.gate} ends before it begins`)
  }
  const criteria = loaded.find(({ gate }) => gate === window.gate)
  if (criteria !== undefined) return criteria
  throw new CliError(EXIT_CODES.badInput, `there are no criteria for the gate "${window.gate}"`, {
    hint: `files there are: ${loaded.map(({ gate }) => `${gate}.yaml`).join(', ') || 'none'}`,
  })
}

function planGate(window: GateWindow, criteria: GateCriteria, run: Parameters): GatePlan {
  const { judged, notJudged } = splitByLength(criteria.criteria, window.planned_seconds)
  const parameters = parametersOfWindow(run, window)
  const resolved = judged.map((criterion) => resolveCriterion(criterion, parameters))
  const valid = validAsking(criteria, parameters)
  return { window, title: criteria.title, resolved, notJudged, valid, lagSeconds: Number(parameters['GAP']) }
}

function validAsking({ gate, valid }: GateCriteria, parameters: Parameters): Asking | null {
  if (valid === null) return null
  const criterion = { id: validPartId(gate), source: valid.source }
  return { criterion, queries: [validQuery(valid.promql, parameters)] }
}

function assemble(
  plans: readonly GatePlan[],
  answers: ReadonlyMap<string, StoredAnswer>,
  parameters: Parameters,
): Judgement {
  const gates = plans.map((plan) => gateResult(plan, answers))
  const verdict: RunVerdict = {
    schema: 'sonia-verdict/1',
    verdict: composeVerdict(gates.map((gate) => gate.verdict)),
    parameters,
    gates,
    not_judged: gates.flatMap((gate) => gate.not_judged),
  }
  const stored = plans.flatMap((plan) =>
    askingsOf(plan).map((one) => storedAnswers(plan.window.gate, one, answers)),
  )
  return { verdict, answers: stored }
}

function gateResult(plan: GatePlan, answers: ReadonlyMap<string, StoredAnswer>): GateResult {
  const asked = plan.resolved.map((resolved) => ({ resolved, answers: answersByRole(resolved, answers) }))
  const criteria = judgeGate(asked, plan.window)
  return {
    gate: plan.window.gate,
    title: plan.title,
    verdict: composeVerdict(criteria.map((criterion) => criterion.verdict)),
    start: plan.window.start,
    end: plan.window.end,
    planned_seconds: plan.window.planned_seconds,
    ...validOf(plan, answers),
    criteria,
    not_judged: plan.notJudged,
  }
}

function validOf(
  { valid, window, lagSeconds }: GatePlan,
  answers: ReadonlyMap<string, StoredAnswer>,
): { readonly valid_part?: ValidPart } {
  if (valid === null) return {}
  return { valid_part: validPart(answersByRole(valid, answers).get(VALID_ROLE), window, lagSeconds) }
}

function answersByRole(
  { queries }: Asking,
  answers: ReadonlyMap<string, StoredAnswer>,
): ReadonlyMap<string, StoredAnswer> {
  const byRole = new Map<string, StoredAnswer>()
  for (const query of queries) {
    const answer = answers.get(queryKey(query))
    if (answer !== undefined) byRole.set(query.role, answer)
  }
  return byRole
}

/** Whatever a plan has to ask, its criteria first. */
function askingsOf({ resolved, valid }: GatePlan): readonly Asking[] {
  return valid === null ? resolved : [...resolved, valid]
}

function storedAnswers(
  gate: string,
  asking: Asking,
  answers: ReadonlyMap<string, StoredAnswer>,
): CriterionAnswers {
  const byRole = answersByRole(asking, answers)
  return { id: asking.criterion.id, gate, answers: [...byRole].map(([role, answer]) => ({ role, answer })) }
}
