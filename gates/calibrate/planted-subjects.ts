import { SERVICE_NAMES } from '#catalog'
import type { Sample } from '../statistics/floors.ts'
import type { Family } from './histories/families.ts'
import { EDGES, latencyHours } from './histories/latency-history.ts'
import { randomFor, historyOf, HISTORY_HOURS, MIB } from './judge-history.ts'
import type { PlantedSeries } from './planted/planted-series.ts'
import { JUDGED_ROUTES } from './planted/sound-soak.ts'

export interface Place {
  readonly seed: number
  readonly index: number
}

/** What a criterion judges, and how a history of a family is written as its series. */
export interface Subject {
  readonly kind: Family['series']
  /** Each gets a history of its own, and has a verdict of its own. */
  readonly members: readonly string[]
  /** Its histories say themselves when a process began. */
  readonly restarts: boolean
  readonly planted: (member: string, family: Family, place: Place) => readonly PlantedSeries[]
}

export const STARTED = 'process_start_time_seconds'

/** Criteria that histories can be judged by; those of growth tell a history of memory in their own unit. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  'soak.memory': resource({ name: 'process_resident_memory_bytes', unit: MIB }),
  'soak.old-space': resource({
    name: 'nodejs_heap_space_size_used_bytes',
    labels: { space: 'old' },
    unit: MIB,
  }),
  'soak.handles': resource({ name: 'nodejs_active_handles_total', unit: 1 }),
  'soak.descriptors': resource({ name: 'process_open_fds', unit: 1 }),
  'soak.event-loop-lag': resource({ name: 'nodejs_eventloop_lag_p50_seconds', unit: 0.001 }),
  'soak.p95-drift': {
    kind: 'latency',
    members: JUDGED_ROUTES.map((route) => route.join(' ')),
    restarts: false,
    planted: bucketsOf,
  },
}

interface Resource {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  /** Of one MiB of a history: the limit of the criterion in an hour, as one MiB is that of memory. */
  readonly unit: number
}

function resource(of: Resource): Subject {
  return {
    kind: 'memory',
    members: SERVICE_NAMES,
    restarts: true,
    planted: (service, family, { seed, index }) =>
      processOf(service, historyOf(family, seed, index), of, restartOf(family)),
  }
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

/** The counters of the buckets of one route, scraped once a minute. */
function bucketsOf(member: string, family: Family, { seed, index }: Place): readonly PlantedSeries[] {
  const route = JUDGED_ROUTES.find((one) => one.join(' ') === member)
  if (route === undefined || family.series !== 'latency') return []
  const { noise, drift } = family
  const minutes = latencyHours(randomFor(family, seed, index), { noise, drift, hours: HISTORY_HOURS }).flat()
  const counted: (readonly number[])[] = [Array<number>(EDGES.length + 1).fill(0)]
  for (const [minute, counts] of minutes.entries()) counted.push(withMinute(counted[minute], counts))
  return [...EDGES, Number.POSITIVE_INFINITY].map((edge, bucket) => ({
    name: 'sonia_http_request_duration_seconds_bucket',
    labels: {
      job: 'sonia',
      service: route[0],
      route: route[1],
      le: Number.isFinite(edge) ? String(edge) : '+Inf',
    },
    at: (seconds) => counted[Math.max(0, Math.round(seconds / 60))]?.[bucket] ?? null,
  }))
}

/** Requests until the end of a minute, each bucket with all below it. */
function withMinute(before: readonly number[] = [], counts: Uint16Array): readonly number[] {
  let below = 0
  return before.map((until, bucket) => {
    below += counts[bucket] ?? 0
    return until + below
  })
}
