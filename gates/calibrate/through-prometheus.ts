import type { Criterion } from '../engine/criterion.ts'
import { type PrometheusClient, prometheusClient } from '../engine/prometheus-client.ts'
import { judgeCriterion } from '../judges/judge-criterion.ts'
import type { JudgeOutcome } from '../judges/judge-outcome.ts'
import { type FamilyRates, ratesOf } from './calibrate-families.ts'
import type { Family } from './histories/families.ts'
import type { JudgedHistory } from './judge-history.ts'
import { type Binaries, type PlacedCase, withPlantedCases } from './planted/judge-cases.ts'
import { judgePlaced } from './planted/judge-placed.ts'
import { LONG_SOAK, longSoakParameters } from './planted/two-days.ts'
import type { PlantedCase } from './planted/planted-case.ts'
import { soundSoak } from './planted/sound-soak.ts'
import { STARTED, SUBJECTS, type Subject } from './planted-subjects.ts'

export interface ThroughSettings {
  /** Of the kind that the criterion judges: memory, or latency. */
  readonly families: readonly Family[]
  /** Histories of each family; rounded up to whole stacks of six services or eight routes. */
  readonly histories: number
  readonly seed: number
  /** Called with each family as it ends. */
  readonly onFamily?: (rates: FamilyRates) => void
}

/** What the guards of these criteria ask for. */
const ASKED: readonly string[] = [
  'up',
  STARTED,
  'k6_iterations_total',
  'sonia_gate_checks_total',
  'sonia_host_clock_offset_seconds',
  'sonia_host_pressure_stalled_seconds_total',
  'sonia_configuration_info',
  'sonia_build_dirty',
]

/** The same rates, but through blocks, a real Prometheus and the production criterion with its guards. */
export async function calibrateThroughPrometheus(
  criterion: Criterion,
  settings: ThroughSettings,
  binaries: Binaries,
): Promise<readonly FamilyRates[]> {
  const subject = SUBJECTS[criterion.id]
  if (subject === undefined) throw new Error(`${criterion.id} judges neither a growth nor a drift`)
  const rates: FamilyRates[] = []
  for (const family of settings.families) {
    if (binaries.signal?.aborted === true) break
    const cases = stacksOf(family, subject, settings)
    const judged = await withPlantedCases(binaries, cases, async (url, placed) => {
      const client = prometheusClient({ url })
      const stacks = await Promise.all(placed.map((one) => judgeStack(criterion, one, subject, client)))
      return stacks.flat()
    })
    rates.push(ratesOf(family, judged))
    settings.onFamily?.(ratesOf(family, judged))
  }
  return rates
}

/**
 * Each series by itself, before failures are corrected for their number: that is told of whole gates. A guard that
 * blocks leaves no series: then nothing can be said of any of them.
 */
async function judgeStack(
  criterion: Criterion,
  placed: PlacedCase,
  { members }: Subject,
  client: PrometheusClient,
): Promise<readonly JudgedHistory[]> {
  const outcomes: JudgeOutcome[] = []
  const result = await judgePlaced(criterion, placed, client, (...asked) => {
    const outcome = judgeCriterion(...asked)
    outcomes.push(outcome)
    return outcome
  })
  const [outcome] = result.series.length === 0 ? [] : outcomes
  return members.map((member) => ({
    verdict: outcome?.series.find(({ series }) => series === member)?.verdict ?? result.verdict,
    surprise: outcome?.surprises?.get(member) ?? null,
  }))
}

function stacksOf(
  family: Family,
  { members, restarts, planted }: Subject,
  { histories, seed }: ThroughSettings,
): readonly PlantedCase[] {
  const sound = soundSoak(LONG_SOAK).filter(
    ({ name, labels }) =>
      ASKED.includes(name) && !(restarts && name === STARTED && labels['job'] === 'sonia'),
  )
  return Array.from({ length: Math.ceil(histories / members.length) }, (_, stack) => ({
    name: `${family.id} ${stack}`,
    gate: 'soak',
    seconds: LONG_SOAK.seconds,
    scrapeSeconds: 60,
    parameters: longSoakParameters(60),
    series: [
      ...sound,
      ...members.flatMap((member, index) =>
        planted(member, family, { seed, index: stack * members.length + index }),
      ),
    ],
    expect: {},
  }))
}
