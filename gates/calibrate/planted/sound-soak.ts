import { SERVICE_NAMES } from '#catalog'
import type { Labels } from '../../engine/types.ts'
import { normalCumulative } from '../histories/normal-cumulative.ts'
import type { PlantedSeries } from './planted-series.ts'
import { strangersBeside } from './strangers.ts'

export interface SoakShape {
  readonly seconds: number
  readonly planned: Readonly<Record<'chat' | 'action' | 'voice', number>>
  /** The load ends this long before the window does. */
  readonly drainSeconds: number
}

const MIB = 1024 * 1024
export const ROUTES = { chat: '/v1/chat', action: '/v1/action', voice: '/session/start' } as const
type Scenario = keyof typeof ROUTES

/** The routes whose p95 is judged, as the criteria name them. */
export const JUDGED_ROUTES: readonly (readonly [string, string])[] = [
  ['api-gateway', '/v1/chat'],
  ['api-gateway', '/v1/action'],
  ['pipecat', '/session/start'],
  ['model-router', '/v1/chat/completions'],
  ['memory-engine', '/search'],
  ['memory-engine', '/store'],
  ['openclaw', '/execute'],
  ['eva-os', '/gate-tool-call'],
]

/** What the soak's criteria ask for besides latencies, of a stack with which nothing is wrong. */
export function soundSoak(shape: SoakShape): readonly PlantedSeries[] {
  const series = [
    ...SERVICE_NAMES.flatMap(processSeries),
    ...resourceSeries(),
    ...loadSeries(shape),
    ...requestSeries(shape),
    ...voiceSeries(shape),
    ...providerSeries(shape),
    ...watchSeries(shape),
  ]
  return [...series, ...strangersBeside(series)]
}

const series = (name: string, labels: Labels, at: PlantedSeries['at']): PlantedSeries => ({
  name,
  labels,
  at,
})

function processSeries(service: string): readonly PlantedSeries[] {
  return [
    series('up', { job: 'sonia', service }, () => 1),
    series('process_start_time_seconds', { job: 'sonia', service }, () => 1000),
    series('sonia_http_oldest_in_flight_seconds', { job: 'sonia', service }, () => 0.4),
    series('sonia_service_restarts_total', { job: 'sonia-ops', service }, () => 3),
  ]
}

/** A bounded, repeatable wobble: the same series every time. */
export function wobble(seconds: number, salt = 0): number {
  const minute = seconds / 60 + salt
  return Math.sin(minute * 12.9898) + 0.5 * Math.sin(minute * 78.233 + 1)
}

/** Handles and descriptors may stay the same for days; memory and lag never do. High enough that a stranger grows below them. */
function resourceSeries(): readonly PlantedSeries[] {
  return SERVICE_NAMES.flatMap((service, index) => {
    const labels = { job: 'sonia', service }
    const bytes = (level: number) => (seconds: number) =>
      Math.round((level + 3 * (1 + wobble(seconds, index))) * MIB)
    const few = (seconds: number) => 400 + Math.round(2 * (1 + wobble(seconds, index)))
    return [
      series('process_resident_memory_bytes', labels, bytes(200)),
      series('nodejs_heap_space_size_used_bytes', { ...labels, space: 'old' }, bytes(60)),
      // Those of eva-os never change: a criterion may have to take that for what it is.
      series('nodejs_active_handles_total', labels, service === 'eva-os' ? () => 400 : few),
      series('process_open_fds', labels, few),
      series(
        'nodejs_eventloop_lag_p50_seconds',
        labels,
        (seconds) => 0.2 + 0.0005 * wobble(seconds, index + 7),
      ),
    ]
  })
}

/** How much of a number that grows evenly under load is there by now. */
export function grown(total: number, { seconds: length, drainSeconds }: SoakShape, seconds: number): number {
  const share = Math.min(Math.max(seconds / (length - drainSeconds), 0), 1)
  return Math.floor(total * share)
}

function loadSeries(shape: SoakShape): readonly PlantedSeries[] {
  return (Object.keys(ROUTES) as Scenario[]).flatMap((scenario) => {
    const count = (seconds: number) => grown(shape.planned[scenario], shape, seconds)
    const labels = { scenario, route: ROUTES[scenario], code: 'OK', outcome: 'ok' }
    return [series('k6_iterations_total', { scenario }, count), series('k6_responses_total', labels, count)]
  })
}

function requestSeries(shape: SoakShape): readonly PlantedSeries[] {
  const external: readonly PlantedSeries[] = ['started', 'finished'].map((stage) =>
    series(
      `sonia_http_requests_${stage}_total`,
      { job: 'sonia', service: 'api-gateway', route: '/v1/chat', caller: 'external' },
      (seconds) => grown(shape.planned.chat, shape, seconds),
    ),
  )
  const internal = SERVICE_NAMES.filter((service) => service !== 'api-gateway').flatMap((service) =>
    ['started', 'finished'].map((stage) =>
      series(
        `sonia_http_requests_${stage}_total`,
        { job: 'sonia', service, route: '/any', caller: 'api-gateway' },
        (seconds) => grown(shape.planned.chat, shape, seconds),
      ),
    ),
  )
  return [...external, ...internal]
}

function voiceSeries(shape: SoakShape): readonly PlantedSeries[] {
  const labels = { job: 'sonia', service: 'pipecat' }
  const created = (seconds: number) => grown(shape.planned.voice, shape, seconds)
  const closed = (seconds: number) => created(seconds - 20)
  return [
    series('sonia_voice_sessions_created_total', labels, created),
    series('sonia_voice_sessions_closed_total', labels, closed),
    series('sonia_voice_sessions_active', labels, (seconds) => created(seconds) - closed(seconds)),
  ]
}

/** One chat in sixty fails at the first provider and is answered by the spare one. */
function providerSeries(shape: SoakShape): readonly PlantedSeries[] {
  const chats = (seconds: number) => grown(shape.planned.chat, shape, seconds)
  const failed = (seconds: number) => Math.floor(chats(seconds) / 60)
  const asked = (provider: string, outcome: string, at: PlantedSeries['at']) =>
    series(
      'sonia_model_requests_total',
      { job: 'sonia', service: 'model-router', provider, model: provider, outcome },
      at,
    )
  return [
    asked('primary', 'ok', (seconds) => chats(seconds) - failed(seconds)),
    asked('primary', 'error', failed),
    asked('spare', 'ok', failed),
    asked('spare', 'error', () => 0),
    asked('embedded', 'ok', () => 0),
  ]
}

function watchSeries({ seconds: length }: SoakShape): readonly PlantedSeries[] {
  const ops = { job: 'sonia-ops' }
  const check = (name: string, outcome: string, at: PlantedSeries['at']) =>
    series('sonia_gate_checks_total', { ...ops, gate: 'soak', check: name, outcome }, at)
  return [
    series('up', ops, () => 1),
    series(
      'sonia_host_pressure_stalled_seconds_total',
      { ...ops, resource: 'cpu' },
      (at) => 0.1 * (at + 1000),
    ),
    series('sonia_host_clock_offset_seconds', ops, () => 0),
    series('sonia_configuration_info', { ...ops, digest: 'a' }, () => 1),
    series('sonia_build_dirty', ops, () => 0),
    series('sonia_tool_resident_memory_bytes', { ...ops, tool: 'k6' }, () => 100 * MIB),
    series('ALERTS', { alertname: 'Watchdog', alertstate: 'firing', severity: 'none' }, () => 1),
    check('start', 'pass', () => 1),
    check('start', 'fail', () => 0),
    check('complete', 'pass', (at) => (at >= length - 30 ? 1 : 0)),
    check('complete', 'fail', () => 0),
  ]
}

const EDGES = Array.from({ length: 24 }, (_, index) => 0.02 * 1.25 ** index)
const PER_SECOND = 1

/** The histograms of every judged route. */
export function soundLatencies(edges: readonly number[] = EDGES): readonly PlantedSeries[] {
  const judged = JUDGED_ROUTES.flatMap(([service, route]) => latencySeries(service, route, edges))
  const drifting = (hour: number) => 0.05 * hour
  const strangers = latencyBuckets('openclaw', '/execute', drifting).map((one) => ({
    ...one,
    labels: { ...one.labels, job: 'stranger' },
  }))
  return [...judged, ...strangers, ...latencyBuckets('openclaw', '/unjudged', drifting)]
}

/** Bucket counters of a log-normal latency around 120 ms whose middle wobbles a little from hour to hour. */
function latencySeries(service: string, route: string, edges: readonly number[]): readonly PlantedSeries[] {
  return latencyBuckets(service, route, (hour) => 0.01 * wobble(hour * 3600, route.length), edges)
}

/** `shift` of the logarithm of the latency, hour by hour. */
export function latencyBuckets(
  service: string,
  route: string,
  shift: (hour: number) => number,
  edges: readonly number[] = EDGES,
): readonly PlantedSeries[] {
  const share = (edge: number, hour: number) =>
    normalCumulative((Math.log(edge) - Math.log(0.12) - shift(hour)) / 0.45)
  return [...edges, Number.POSITIVE_INFINITY].map((edge) => {
    const wholeHours: number[] = [0]
    const until = (hour: number): number => {
      while (wholeHours.length <= hour) {
        const last = wholeHours.length - 1
        wholeHours.push((wholeHours[last] ?? 0) + 3600 * PER_SECOND * share(edge, last))
      }
      return wholeHours[hour] ?? 0
    }
    const labels = {
      job: 'sonia',
      service,
      route,
      le: edge === Number.POSITIVE_INFINITY ? '+Inf' : String(edge),
    }
    return series('sonia_http_request_duration_seconds_bucket', labels, (seconds) => {
      const hour = Math.max(0, Math.floor(seconds / 3600))
      const part = Math.max(0, seconds) - hour * 3600
      // Not rounded: increments of rounded counters need not grow with the edge, which Prometheus remarks upon.
      return until(hour) + part * PER_SECOND * share(edge, hour)
    })
  })
}
