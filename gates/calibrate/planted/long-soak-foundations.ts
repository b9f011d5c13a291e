import type { ReasonCode } from '../../engine/types.ts'
import type { PlantedCase } from './planted-case.ts'
import { add, change, earlier, onlyEarlier, unscraped } from './planted-series.ts'
import { grown } from './sound-soak.ts'
import { LONG_SOAK, twoDays } from './two-days.ts'

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
const scenarios = ['chat', 'action', 'voice'] as const
const service = { labels: { service: 'eva-os' } }

/** Whatever a trend rests on is missing once: nothing grows, and still nothing is demonstrated. */
export function withoutFoundation(): readonly PlantedCase[] {
  return [...withoutLoad(), ...withoutWitnesses(), ...anotherPast()]
}

function withoutLoad(): readonly PlantedCase[] {
  return [
    ...scenarios.map((scenario) =>
      twoDays(
        `two days, and one ${scenario} in 50 was not finished`,
        undelivered(scenario),
        says('LOAD_NOT_DELIVERED'),
      ),
    ),
    ...scenarios.map((scenario) =>
      twoDays(
        `two days, and every ${scenario} was finished before them`,
        onlyEarlier({ name: 'k6_iterations_total', labels: { scenario } }, LONG_SOAK.planned[scenario]),
        says('LOAD_NOT_DELIVERED'),
      ),
    ),
    ...scenarios.map((scenario) =>
      twoDays(
        `two days, and every ${scenario} was answered before them`,
        onlyEarlier({ name: 'k6_responses_total', labels: { scenario } }, LONG_SOAK.planned[scenario]),
        { 'soak.error-ratio-by-scenario': 'NO_SERIES' },
      ),
    ),
    twoDays(
      'two days, and pipecat chats too',
      add(
        'sonia_http_requests_finished_total',
        { job: 'sonia', service: 'api-gateway', route: '/v1/chat', caller: 'pipecat' },
        (seconds) => grown(300, LONG_SOAK, seconds),
      ),
      { 'soak.error-ratio-by-scenario': 'PASS' },
    ),
    twoDays(
      'two days, and a request was dropped',
      add('k6_dropped_iterations_total', { scenario: 'chat' }, () => 1),
      says('LOAD_NOT_DELIVERED'),
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

function withoutWitnesses(): readonly PlantedCase[] {
  return [
    twoDays(
      'two days, and a hole of four scrapes in one service',
      unscraped({ name: '*', labels: { service: 'eva-os' } }, 90_000, 91_201),
      says('GAP'),
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
      'two days, and the clock was set by a minute',
      change({ name: 'sonia_host_clock_offset_seconds' }, (seconds) => (seconds > 90_000 ? 60 : 0)),
      says('CLOCK_STEP'),
    ),
    twoDays(
      'two days, and a policy was changed',
      add('sonia_configuration_info', { job: 'sonia-ops', digest: 'b' }, (seconds) =>
        seconds > 90_000 ? 1 : null,
      ),
      says('CONFIG_CHANGED'),
    ),
    twoDays(
      'two days, of a tree with changes',
      change({ name: 'sonia_build_dirty' }, () => 1),
      { 'soak.started': 'DIRTY_BUILD', 'soak.memory': 'PASS' },
    ),
    twoDays(
      'two days, and the gate did not end',
      change({ name: 'sonia_gate_checks_total', labels: { check: 'complete' } }, () => 0),
      says('ABORTED'),
    ),
  ]
}

/** What was before the window is none of its business. */
function anotherPast(): readonly PlantedCase[] {
  return [
    ...[-3600, 3600].map((offset) =>
      twoDays(
        `two days, and the clock was ${offset > 0 ? 'ahead' : 'behind'} before them`,
        earlier({ name: 'sonia_host_clock_offset_seconds' }, offset),
        { '*': 'PASS' },
      ),
    ),
    twoDays(
      'two days, and the configuration was another before them',
      add('sonia_configuration_info', { job: 'sonia-ops', digest: 'b' }, (seconds) =>
        seconds < 0 ? 1 : null,
      ),
      { '*': 'PASS' },
    ),
    twoDays(
      'two days, and the machine was out of CPU before them',
      change({ name: 'sonia_host_pressure_stalled_seconds_total' }, (seconds, value) =>
        seconds < 0 ? 0 : value + 100_000,
      ),
      { '*': 'PASS' },
    ),
  ]
}
