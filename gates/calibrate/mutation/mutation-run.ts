import type { Criterion, GateCriteria } from '../../engine/criterion.ts'
import { resolveAmount } from '../../engine/parameters.ts'
import { prometheusClient, type PrometheusClient } from '../../engine/prometheus-client.ts'
import type { Parameters } from '../../engine/types.ts'
import { CliError } from '../../exit-codes.ts'
import { type Binaries, type PlacedCase, withPlantedCases } from '../planted/judge-cases.ts'
import { judgePlaced, rememberingClient, rememberingJudge } from '../planted/judge-placed.ts'
import type { PlantedCase } from '../planted/planted-case.ts'
import { type CriterionMutant, mutateCriterion } from './mutate-criterion.ts'
import { reasonToSurvive } from './survivors.ts'

interface Asking {
  readonly client: PrometheusClient
  readonly judge: ReturnType<typeof rememberingJudge>
  readonly signal: AbortSignal
}

export interface MutantFate {
  readonly criterion: string
  readonly operator: string
  readonly change: string
  /** The case whose outcome gave it away; null for a survivor. */
  readonly caughtBy: string | null
  /** Why a survivor changes nothing that matters; null where nobody has said. */
  readonly reason: string | null
}

export interface MutationSettings {
  readonly binaries: Binaries
  /** Which criteria to change. */
  readonly isAsked: (id: string) => boolean
  readonly onProgress: (line: string) => void
  /** Ends the run early; criteria whose mutants were not all judged are left out. */
  readonly signal: AbortSignal
}

/** Makes every small wrong change to every criterion, and looks whether a planted case tells it from the right one. */
export async function runCriteriaMutations(
  gates: readonly GateCriteria[],
  cases: readonly PlantedCase[],
  { binaries, isAsked, onProgress, signal }: MutationSettings,
): Promise<readonly MutantFate[]> {
  return withPlantedCases(binaries, cases, async (url, placed) => {
    const ask: Asking = {
      client: rememberingClient(prometheusClient({ url })),
      judge: rememberingJudge(),
      signal,
    }
    const fates: MutantFate[] = []
    for (const { gate, criteria } of gates) {
      const own = placed.filter(({ planted }) => planted.gate === gate)
      if (own.length === 0) throw new Error(`nothing is planted for the gate ${gate}`)
      for (const criterion of criteria.filter(({ id }) => isAsked(id))) {
        const ofOne = await fatesOf(criterion, own, ask)
        if (signal.aborted) return fates
        fates.push(...ofOne)
        onProgress(`${criterion.id}: ${fates.length} mutants so far`)
      }
    }
    return fates
  })
}

async function fatesOf(
  criterion: Criterion,
  placed: readonly PlacedCase[],
  ask: Asking,
): Promise<readonly MutantFate[]> {
  const decidable = placed.filter(({ planted }) => criterion.needsSeconds <= planted.seconds)
  const resolved = withNumbers(criterion, decidable[0]?.planted.parameters ?? {})
  const expected = new Map<PlacedCase, string>()
  for (const one of decidable) expected.set(one, await saidOf(criterion, one, ask))
  const fates: MutantFate[] = []
  // A case that caught one mutant often catches the next: it is asked first.
  const order = [...expected.keys()]
  for (const mutant of mutateCriterion(resolved)) {
    if (ask.signal.aborted) return fates
    const caught = await catching(mutant, order, { expected, ask })
    if (caught !== null) order.unshift(...order.splice(order.indexOf(caught), 1))
    const caughtBy = caught?.planted.name ?? null
    const { operator, change } = mutant
    const reason = caughtBy === null ? reasonToSurvive(criterion.id, change) : null
    fates.push({ criterion: criterion.id, operator, change, caughtBy, reason })
  }
  return fates
}

/** Limits by name become numbers, which can be loosened. */
function withNumbers(criterion: Criterion, parameters: Parameters): Criterion {
  const fields = ['of', 'limit', 'at_most', 'below', 'at_least', 'above'] as const
  const judge = criterion.judge as unknown as Record<string, unknown>
  const numbers = fields.flatMap((field) => {
    const limit = judge[field]
    return typeof limit === 'string' ? [[field, resolveAmount(limit, parameters)]] : []
  })
  return { ...criterion, judge: { ...criterion.judge, ...Object.fromEntries(numbers) } }
}

async function catching(
  { criterion }: CriterionMutant,
  order: readonly PlacedCase[],
  { expected, ask }: { readonly expected: ReadonlyMap<PlacedCase, string>; readonly ask: Asking },
): Promise<PlacedCase | null> {
  for (const one of order) {
    if ((await saidOf(criterion, one, ask)) !== expected.get(one)) return one
  }
  return null
}

/** Verdict and reasons, series by series; an expression that Prometheus refuses is caught as well. */
async function saidOf(criterion: Criterion, one: PlacedCase, { client, judge }: Asking): Promise<string> {
  try {
    const { verdict, reasons, series } = await judgePlaced(criterion, one, client, judge)
    return JSON.stringify([verdict, reasons, series.map((each) => [each.series, each.verdict, each.reasons])])
  } catch (error) {
    if (error instanceof CliError) return `refused: ${error.message.split(':')[0]}`
    throw error
  }
}
