import { SERVICE_NAMES } from '#catalog'
import type { Criterion } from '../engine/criterion.ts'
import { prometheusClient } from '../engine/prometheus-client.ts'
import type { Verdict } from '../engine/types.ts'
import { type FamilyRates, ratesOf } from './calibrate-families.ts'
import type { Family } from './histories/families.ts'
import { historyOf } from './judge-history.ts'
import { type Binaries, withPlantedCases } from './planted/judge-cases.ts'
import { judgePlaced } from './planted/judge-placed.ts'
import { LONG_SOAK, longSoakParameters } from './planted/two-days.ts'
import type { PlantedCase } from './planted/planted-case.ts'
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

const MEMORY = 'process_resident_memory_bytes'
/** What the criterion of memory and its guards ask for. */
const ASKED: readonly string[] = [
  'up',
  'process_start_time_seconds',
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
  const rates: FamilyRates[] = []
  for (const family of settings.families) {
    if (binaries.signal?.aborted === true) break
    const cases = stacksOf(family, settings)
    const verdicts = await withPlantedCases(binaries, cases, async (url, placed) => {
      const client = prometheusClient({ url })
      const results = await Promise.all(placed.map((one) => judgePlaced(criterion, one, client)))
      return results.flatMap((result) => SERVICE_NAMES.map((service) => verdictOf(result, service)))
    })
    rates.push(
      ratesOf(
        family,
        verdicts.map((verdict) => ({ verdict, surprise: null })),
      ),
    )
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

function stacksOf(family: Family, { histories, seed }: ThroughSettings): readonly PlantedCase[] {
  return Array.from({ length: Math.ceil(histories / SERVICE_NAMES.length) }, (_, stack) => ({
    name: `${family.id} ${stack}`,
    gate: 'soak',
    seconds: LONG_SOAK.seconds,
    scrapeSeconds: 60,
    parameters: longSoakParameters(60),
    series: [
      ...soundSoak(LONG_SOAK).filter(({ name }) => ASKED.includes(name)),
      ...SERVICE_NAMES.map((service, index) => {
        const samples = historyOf(family, seed, stack * SERVICE_NAMES.length + index)
        return {
          name: MEMORY,
          labels: { job: 'sonia', service },
          at: (seconds: number) => scraped(samples[Math.round(seconds / 60)]?.value),
        }
      }),
    ],
    expect: {},
  }))
}

function scraped(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value
}
