import { PROFILES } from '../../profiles.ts'
import { runParameters } from '../../run-parameters.ts'
import type { Parameters, ReasonCode } from '../../engine/types.ts'
import type { PlantedCase } from './planted-case.ts'
import { add, all, change, matches, type Plant, unscraped } from './planted-series.ts'
import {
  grown,
  latencyBuckets,
  ROUTES,
  type SoakShape,
  soundLatencies,
  soundSoak,
  wobble,
} from './sound-soak.ts'

const HOURS = 48
const SCRAPE_SECONDS = 300
const MIB = 1024 * 1024
export const LONG_SOAK: SoakShape = {
  seconds: HOURS * 3600,
  drainSeconds: 600,
  planned: { chat: 172_800, action: 86_400, voice: 14_400 },
}

export function longSoakParameters(scrapeSeconds: number): Parameters {
  return {
    ...runParameters(PROFILES.release),
    S: scrapeSeconds,
    SOAK_SECONDS: LONG_SOAK.seconds,
    DRAIN: LONG_SOAK.drainSeconds,
    PLANNED_CHAT: LONG_SOAK.planned.chat,
    PLANNED_ACTION: LONG_SOAK.planned.action,
    PLANNED_VOICE: LONG_SOAK.planned.voice,
  }
}

function twoDays(name: string, plant: Plant, expect: PlantedCase['expect']): PlantedCase {
  const series = plant([...soundSoak(LONG_SOAK), ...soundLatencies()])
  return {
    name,
    gate: 'soak',
    seconds: LONG_SOAK.seconds,
    scrapeSeconds: SCRAPE_SECONDS,
    parameters: longSoakParameters(SCRAPE_SECONDS),
    series,
    expect,
  }
}

/** A line of this slope per hour on top of one service's series: more than the limit, less than twice. */
function growing(name: string, perHour: number): Plant {
  return change(
    { name, labels: { service: 'memory-engine' } },
    (seconds, value) => value + (perHour * seconds) / 3600,
  )
}

const handles = (perHour: number) => (seconds: number) => 12 + Math.floor((perHour * seconds) / 3600)

/** Two days at a coarse scrape, for what only two days can show. */
export function longSoakCases(): readonly PlantedCase[] {
  return [
    twoDays('two sound days', (series) => series, { '*': 'PASS' }),
    twoDays(
      'everything grows a little too fast in one service',
      all(
        growing('process_resident_memory_bytes', 1.8 * MIB),
        growing('nodejs_heap_space_size_used_bytes', 1.8 * MIB),
        growing('process_open_fds', 1.8),
        growing('nodejs_eventloop_lag_p50_seconds', 0.0018),
        change({ name: 'nodejs_active_handles_total', labels: { service: 'memory-engine' } }, handles(1.8)),
      ),
      {
        'soak.memory': 'FAIL',
        'soak.old-space': 'FAIL',
        'soak.descriptors': 'FAIL',
        'soak.event-loop-lag': 'FAIL',
        'soak.handles': 'FAIL',
        'soak.p95-drift': 'PASS',
      },
    ),
    twoDays(
      'memory settles, too slowly to be called stable',
      change(
        { name: 'process_resident_memory_bytes', labels: { service: 'eva-os' } },
        (seconds, value) => value + 80 * MIB * (1 - Math.exp(-seconds / 28_800)),
      ),
      {
        'soak.memory': 'UNSETTLED_WARMUP',
      },
    ),
    twoDays(
      'memory that never changes by a byte',
      change({ name: 'process_resident_memory_bytes', labels: { service: 'eva-os' } }, () => 2e8),
      {
        'soak.memory': 'FROZEN',
        'soak.old-space': 'PASS',
      },
    ),
    twoDays(
      'memory that is not a number for an hour',
      change({ name: 'process_resident_memory_bytes', labels: { service: 'eva-os' } }, (seconds, value) =>
        seconds > 90_000 && seconds < 93_600 ? Number.NaN : value,
      ),
      { 'soak.memory': 'NAN' },
    ),
    twoDays(
      'memory unrecorded for ten hours, though scraped',
      unscraped({ name: 'process_resident_memory_bytes', labels: { service: 'eva-os' } }, 72_000, 108_000),
      { 'soak.memory': 'COVERAGE' },
    ),
    twoDays('a p95 that drifts by 18 %', drifting(0.18), { 'soak.p95-drift': 'FAIL', 'soak.memory': 'PASS' }),
    twoDays(
      'the machine was out of CPU',
      change({ name: 'sonia_host_pressure_stalled_seconds_total' }, (seconds) => 0.8 * (seconds + 1000)),
      { 'soak.p95-drift': 'HOST_SATURATED', 'soak.memory': 'PASS' },
    ),
    twoDays(
      'a process younger than the window',
      change({ name: 'process_start_time_seconds', labels: { service: 'eva-os' } }, () => 4_000_000_000),
      { 'soak.memory': 'RESTART_IN_WINDOW', 'soak.restarts': 'PASS' },
    ),
    twoDays('voice sessions fail, too few to show in the sum', failing('voice', 0.008), {
      'soak.error-ratio': 'PASS',
      'soak.error-ratio-by-scenario': 'FAIL',
    }),
    ...withoutFoundation(),
    twoDays('one bad hour', badHour(0.03), { 'soak.error-ratio': 'PASS', 'soak.worst-hour': 'FAIL' }),
  ]
}

/** Whatever a trend rests on is missing once: nothing grows, and still nothing is demonstrated. */
function withoutFoundation(): readonly PlantedCase[] {
  const TRENDS = [
    'soak.memory',
    'soak.old-space',
    'soak.handles',
    'soak.descriptors',
    'soak.event-loop-lag',
    'soak.p95-drift',
  ]
  const says = (reason: ReasonCode) => Object.fromEntries(TRENDS.map((id) => [id, reason]))
  const undelivered = (scenario: string) =>
    change({ name: 'k6_iterations_total', labels: { scenario } }, (_, value) => Math.floor(value * 0.98))
  const service = { labels: { service: 'eva-os' } }
  return [
    ...Object.keys(ROUTES).map((scenario) =>
      twoDays(
        `two days, and one ${scenario} in 50 was not finished`,
        undelivered(scenario),
        says('LOAD_NOT_DELIVERED'),
      ),
    ),
    twoDays(
      'two days, and a request was dropped',
      add('k6_dropped_iterations_total', { scenario: 'chat' }, () => 1),
      says('LOAD_NOT_DELIVERED'),
    ),
    twoDays(
      'two days, and one scrape in 50 failed',
      change({ name: 'up', ...service }, (seconds) => (seconds % 15_000 === 0 ? 0 : 1)),
      says('COVERAGE'),
    ),
    twoDays(
      'two days, and a service restarted',
      change({ name: 'process_start_time_seconds', ...service }, (seconds) =>
        seconds > 90_000 ? 2000 : 1000,
      ),
      says('RESTART_IN_WINDOW'),
    ),
    twoDays(
      'two days, and the gate did not end',
      change({ name: 'sonia_gate_checks_total', labels: { check: 'complete' } }, () => 0),
      says('ABORTED'),
    ),
    twoDays(
      'two days, and client and server disagree',
      change(
        { name: 'sonia_http_requests_finished_total', labels: { service: 'api-gateway', route: '/v1/chat' } },
        (_, value) => Math.floor(value * 0.995),
      ),
      { 'soak.error-ratio-by-scenario': 'CLIENT_SERVER_MISMATCH' },
    ),
  ]
}

function drifting(drift: number): Plant {
  const label = { name: 'sonia_http_request_duration_seconds_bucket', labels: { service: 'openclaw' } }
  const shift = (hour: number) => 0.01 * wobble(hour * 3600, 3) + (Math.log1p(drift) * hour) / HOURS
  return all(
    (series) => series.filter((one) => !(matches(one, label) && one.labels['route'] === '/execute')),
    (series) => [...series, ...latencyBuckets('openclaw', '/execute', shift)],
  )
}

function failing(scenario: keyof typeof ROUTES, share: number): Plant {
  return erring(scenario, (seconds) =>
    Math.floor(grown(LONG_SOAK.planned[scenario], LONG_SOAK, seconds) * share),
  )
}

function badHour(share: number): Plant {
  const from = 20 * 3600
  const chats = (seconds: number) => grown(LONG_SOAK.planned.chat, LONG_SOAK, seconds)
  const of = 1 + (LONG_SOAK.planned.action + LONG_SOAK.planned.voice) / LONG_SOAK.planned.chat
  return erring('chat', (seconds) =>
    Math.floor(share * of * (chats(Math.min(Math.max(seconds, from), from + 3600)) - chats(from))),
  )
}

function erring(scenario: keyof typeof ROUTES, bad: (seconds: number) => number): Plant {
  return all(
    change({ name: 'k6_responses_total', labels: { scenario } }, (seconds, value) => value - bad(seconds)),
    add(
      'k6_responses_total',
      { scenario, route: ROUTES[scenario], code: 'TIMEOUT', outcome: 'timeout' },
      bad,
    ),
  )
}
