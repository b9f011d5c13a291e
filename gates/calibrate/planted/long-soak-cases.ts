import type { PlantedCase } from './planted-case.ts'
import { add, all, change, matches, type Plant, unscraped } from './planted-series.ts'
import { withoutFoundation } from './long-soak-foundations.ts'
import { grown, latencyBuckets, ROUTES, wobble } from './sound-soak.ts'
import { HOURS, LONG_SOAK, MIB, twoDays } from './two-days.ts'

/** A line of this slope per hour on top of one service's series: more than the limit, less than twice. */
function growing(name: string, perHour: number): Plant {
  return change(
    { name, labels: { service: 'memory-engine' } },
    (seconds, value) => value + (perHour * seconds) / 3600,
  )
}

const handles = (perHour: number) => (seconds: number) => 400 + Math.floor((perHour * seconds) / 3600)

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
      'memory rises by 60 MiB at once, and stays there',
      change(
        { name: 'process_resident_memory_bytes', labels: { service: 'eva-os' } },
        (seconds, value) => value + (seconds > 108_000 ? 60 * MIB : 0),
      ),
      { 'soak.memory': 'NONLINEAR' },
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
    twoDays('one odd low scrape in every two hours of the first day', oddScrapes(), {
      'soak.memory': 'PASS',
      'soak.old-space': 'PASS',
      'soak.handles': 'PASS',
      'soak.descriptors': 'PASS',
      'soak.event-loop-lag': 'PASS',
    }),
    ...failures(),
    ...withoutFoundation(),
  ]
}

function failures(): readonly PlantedCase[] {
  return [
    twoDays('an hour in which nobody used one route', silentHour(), { 'soak.p95-drift': 'NAN' }),
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
    twoDays('one bad hour', badHour(0.03), { 'soak.error-ratio': 'PASS', 'soak.worst-hour': 'FAIL' }),
  ]
}

/** Every resource of one service reads half once in two hours: a floor must not follow one scrape. */
function oddScrapes(): Plant {
  const NAMES = [
    'process_resident_memory_bytes',
    'nodejs_heap_space_size_used_bytes',
    'nodejs_active_handles_total',
    'process_open_fds',
    'nodejs_eventloop_lag_p50_seconds',
  ]
  const isOdd = (seconds: number) => seconds < 86_400 && seconds % 7200 === 3600
  return all(
    ...NAMES.map((name) =>
      change({ name, labels: { service: 'memory-engine' } }, (seconds, value) =>
        isOdd(seconds) ? value / 2 : value,
      ),
    ),
  )
}

/** The counters of one route stand still from the 30th hour to the 31st. */
function silentHour(): Plant {
  const FROM = 30 * 3600
  const route = { service: 'openclaw', route: '/execute' }
  return (series) =>
    series.map((one) =>
      matches(one, { name: 'sonia_http_request_duration_seconds_bucket', labels: route })
        ? { ...one, at: (seconds) => one.at(seconds <= FROM ? seconds : Math.max(FROM, seconds - 3600)) }
        : one,
    )
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
