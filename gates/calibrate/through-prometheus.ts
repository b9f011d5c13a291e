import { SERVICE_NAMES } from '#catalog'
import type { Criterion } from '../engine/criterion.ts'
import { prometheusClient } from '../engine/prometheus-client.ts'
import type { Verdict } from '../engine/types.ts'
import { type FamilyRates, ratesOf } from './calibrate-families.ts'
import type { Family } from './histories/families.ts'
import { historyOf, MIB } from './judge-history.ts'
import { type Binaries, withPlantedCases } from './planted/judge-cases.ts'
import { judgePlaced } from './planted/judge-placed.ts'
import { LONG_SOAK, longSoakParameters } from './planted/two-days.ts'
import type { PlantedCase } from './planted/planted-case.ts'
import type { PlantedSeries } from './planted/planted-series.ts'
import type { Sample } from '../statistics/floors.ts'
import { soundSoak } from './planted/sound-soak.ts'

export interface ThroughSettings {
  /** Of memory; latencies go through memory only. */
  readonly families: readonly Family[]
  /** Histories of each family; rounded up to whole stacks of six services. */
  readonly histories: number
  readonly seed: number
  /** Called with each family as it ends. */
  readonly onFamily?: (rates: FamilyRates) => void
}

interface Resource {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  /** Of one MiB of a history: the limit of the criterion in an hour, as one MiB is that of memory. */
  readonly unit: number
}

/** Criteria of growth by which histories of memory can be judged, told in their own unit. */
export const RESOURCES: Readonly<Record<string, Resource>> = {
  'soak.memory': { name: 'process_resident_memory_bytes', unit: MIB },
  'soak.old-space': { name: 'nodejs_heap_space_size_used_bytes', labels: { space: 'old' }, unit: MIB },
  'soak.handles': { name: 'nodejs_active_handles_total', unit: 1 },
  'soak.descriptors': { name: 'process_open_fds', unit: 1 },
  'soak.event-loop-lag': { name: 'nodejs_eventloop_lag_p50_seconds', unit: 0.001 },
}

const STARTED = 'process_start_time_seconds'
/** What the criteria of growth and their guards ask for. */
const ASKED: readonly string[] = [
  'up',
  STARTED,
  'k6_iterations_total',
  'sonia_gate_checks_total',
  'sonia_host_clock_offset_seconds',
  'sonia_configuration_info',
  'sonia_build_dirty',
]

/** The same rates, but through blocks, a real Prometheus and the production criterion with its guards. */
export async function calibrateThroughPrometheus(
  criterion: Criterion,
  settings: ThroughSettings,
  binaries: Binaries,
): Promise<readonly FamilyRates[]> {
  const resource = RESOURCES[criterion.id]
  if (resource === undefined) throw new Error(`${criterion.id} judges no growth of a resource`)
  const rates: FamilyRates[] = []
  for (const family of settings.families) {
    if (binaries.signal?.aborted === true) break
    const cases = stacksOf(family, resource, settings)
    const verdicts = await withPlantedCases(binaries, cases, async (url, placed) => {
      const client = prometheusClient({ url })
      const results = await Promise.all(placed.map((one) => judgePlaced(criterion, one, client)))
      return results.flatMap((result) => SERVICE_NAMES.map((service) => verdictOf(result, service)))
    })
    const judged = verdicts.map((verdict) => ({ verdict, surprise: null }))
    rates.push(ratesOf(family, judged))
    settings.onFamily?.(ratesOf(family, judged))
  }
  return rates
}

/** A guard that blocks leaves no series: then nothing can be said of any of them. */
function verdictOf(
  {
    series,
    verdict,
  }: {
    readonly series: readonly { readonly series: string; readonly verdict: Verdict }[]
    readonly verdict: Verdict
  },
  service: string,
): Verdict {
  return series.find((one) => one.series === service)?.verdict ?? verdict
}

function stacksOf(
  family: Family,
  resource: Resource,
  { histories, seed }: ThroughSettings,
): readonly PlantedCase[] {
  const sound = soundSoak(LONG_SOAK).filter(
    ({ name, labels }) => ASKED.includes(name) && !(name === STARTED && labels['job'] === 'sonia'),
  )
  return Array.from({ length: Math.ceil(histories / SERVICE_NAMES.length) }, (_, stack) => ({
    name: `${family.id} ${stack}`,
    gate: 'soak',
    seconds: LONG_SOAK.seconds,
    scrapeSeconds: 60,
    parameters: longSoakParameters(60),
    series: [
      ...sound,
      ...SERVICE_NAMES.flatMap((service, index) =>
        processOf(
          service,
          historyOf(family, seed, stack * SERVICE_NAMES.length + index),
          resource,
          restartOf(family),
        ),
      ),
    ],
    expect: {},
  }))
}

/** Second at which the processes of a family begin anew; null where they do not. */
function restartOf(family: Family): number | null {
  return family.series === 'memory' && family.restartAtHours !== undefined
    ? family.restartAtHours * 3600
    : null
}

function processOf(
  service: string,
  samples: readonly Sample[],
  { name, labels = {}, unit }: Resource,
  restartAt: number | null,
): readonly PlantedSeries[] {
  const own = { job: 'sonia', service }
  const scraped = (value: number | undefined) =>
    value === undefined || Number.isNaN(value) ? null : (value / MIB) * unit
  return [
    {
      name: STARTED,
      labels: own,
      at: (seconds) => (restartAt !== null && seconds >= restartAt ? 2000 : 1000),
    },
    {
      name,
      labels: { ...own, ...labels },
      at: (seconds) => scraped(samples[Math.round(seconds / 60)]?.value),
    },
  ]
}
