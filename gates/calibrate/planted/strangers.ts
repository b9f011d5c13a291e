import type { Labels } from '../../engine/types.ts'
import type { PlantedSeries } from './planted-series.ts'

const GIB = 2 ** 30

/**
 * Series that nobody should ask for, beside those that are asked for: the same names under other jobs, gates, scenarios,
 * tools. Their values are bad, so that an expression which lost a matcher says something else.
 */
export function strangersBeside(series: readonly PlantedSeries[]): readonly PlantedSeries[] {
  const seen = new Set<string>()
  const firstOfName = series.filter(({ name, labels }) => {
    const key = `${name} ${labels['job'] ?? ''}`
    if (labels['job'] === undefined || seen.has(key)) return false
    seen.add(key)
    return true
  })
  return [...firstOfName.map(ofStrangeJob), ...NEIGHBOURS]
}

function ofStrangeJob({ name, labels }: PlantedSeries): PlantedSeries {
  return {
    name,
    labels: { ...labels, job: 'stranger' },
    at: BAD[name] ?? ((seconds) => 7 + Math.max(0, seconds)),
  }
}

/** Where growing by one a second is not bad enough. */
const BAD: Readonly<Record<string, PlantedSeries['at']>> = {
  up: (seconds) => (seconds % 6000 === 0 ? 1 : 0),
  sonia_service_restarts_total: (seconds) => Math.max(0, Math.floor(seconds / 60)),
  process_start_time_seconds: (seconds) => Math.max(1, Math.floor((seconds + 10_000) / 60)),
  process_resident_memory_bytes: (seconds) => 1e6 + 1000 * Math.max(0, seconds),
  nodejs_heap_space_size_used_bytes: (seconds) => 1e6 + 1000 * Math.max(0, seconds),
  nodejs_eventloop_lag_p50_seconds: (seconds) => 1e-6 * (1 + Math.max(0, seconds)),
  process_open_fds: (seconds) => 1 + Math.max(0, seconds) / 600,
  nodejs_active_handles_total: (seconds) => 1 + Math.max(0, seconds) / 600,
  sonia_tool_resident_memory_bytes: () => 9 * GIB,
}

const stranger = (name: string, labels: Labels, at: PlantedSeries['at']): PlantedSeries => ({
  name,
  labels,
  at,
})
const counted = (seconds: number) => 3 * Math.max(0, seconds)
const ops = { job: 'sonia-ops' }
const sonia = { job: 'sonia' }

const NEIGHBOURS: readonly PlantedSeries[] = [
  ...['start', 'complete'].map((check) =>
    stranger('sonia_gate_checks_total', { ...ops, gate: 'stranger', check, outcome: 'pass' }, () => 9),
  ),
  stranger(
    'sonia_gate_checks_total',
    { job: 'stranger', gate: 'soak', check: 'complete', outcome: 'pass' },
    () => 9,
  ),
  stranger('k6_iterations_total', { scenario: 'stranger' }, counted),
  stranger('sonia_configuration_info', { job: 'another', digest: 'stranger' }, () => 1),
  stranger('sonia_tool_resident_memory_bytes', { ...ops, tool: 'stranger' }, () => 9 * GIB),
  stranger(
    'nodejs_heap_space_size_used_bytes',
    { ...sonia, service: 'api-gateway', space: 'new' },
    (seconds) => 1000 * Math.max(1, seconds),
  ),
  stranger(
    'sonia_host_pressure_stalled_seconds_total',
    { ...ops, resource: 'io' },
    (seconds) => 0.9 * Math.max(0, seconds),
  ),
  stranger('ALERTS', { alertname: 'Watchdog', alertstate: 'pending', severity: 'none' }, () => 1),
  stranger('ALERTS', { alertname: 'Stranger', alertstate: 'firing', severity: 'info' }, () => 1),
  ...['started', 'finished'].flatMap((stage) =>
    [
      { service: 'api-gateway', route: '/v1/action', caller: 'external' },
      { service: 'pipecat', route: '/v1/chat', caller: 'external' },
    ].map((labels) => stranger(`sonia_http_requests_${stage}_total`, { ...sonia, ...labels }, counted)),
  ),
]
