import { PROFILES } from '../../profiles.ts'
import { runParameters } from '../../run-parameters.ts'
import type { PlantedCase } from './planted-case.ts'
import { add, all, change, drop, type Plant, unscraped } from './planted-series.ts'
import { grown, ROUTES, type SoakShape, soundSoak } from './sound-soak.ts'

const HOUR: SoakShape = { seconds: 3600, drainSeconds: 60, planned: { chat: 3600, action: 1800, voice: 300 } }

/** One hour with one thing wrong; what nothing is said about may say anything but is compared by the mutation run. */
export function soakCases(): readonly PlantedCase[] {
  return [...SOUND, ...WITHOUT_DATA, ...WITHOUT_LOAD, ...FAULTS]
}

function oneHour(name: string, plant: Plant, expect: PlantedCase['expect']): PlantedCase {
  return {
    name,
    gate: 'soak',
    seconds: HOUR.seconds,
    scrapeSeconds: 15,
    parameters: PARAMETERS,
    series: plant(soundSoak(HOUR)),
    expect,
  }
}

const PARAMETERS = {
  ...runParameters(PROFILES.ci),
  S: 15,
  SOAK_SECONDS: HOUR.seconds,
  DRAIN: HOUR.drainSeconds,
  PLANNED_CHAT: HOUR.planned.chat,
  PLANNED_ACTION: HOUR.planned.action,
  PLANNED_VOICE: HOUR.planned.voice,
}

const everything = { name: '*' }
const upOf = (service: string) => ({ name: 'up', labels: { job: 'sonia', service } })

const SOUND: readonly PlantedCase[] = [oneHour('a sound hour', (series) => series, { '*': 'PASS' })]

const WITHOUT_DATA: readonly PlantedCase[] = [
  oneHour('nothing recorded at all', () => [], {
    'soak.started': 'COVERAGE',
    'soak.error-ratio': 'LOAD_NOT_DELIVERED',
    'soak.restarts': 'NO_SERIES',
    'soak.stuck-requests': 'COVERAGE',
    'soak.alerts': 'COVERAGE',
  }),
  oneHour(
    'recorded, but in another hour',
    change(everything, (seconds, value) => (seconds > -20 ? null : value)),
    {
      'soak.started': 'COVERAGE',
      'soak.error-ratio': 'LOAD_NOT_DELIVERED',
      'soak.stuck-requests': 'COVERAGE',
    },
  ),
  oneHour(
    'recorded to its end, but before the window',
    (series) =>
      series.map((one) => ({ ...one, at: (seconds) => (seconds > -20 ? null : one.at(HOUR.seconds)) })),
    {
      'soak.error-ratio': 'LOAD_NOT_DELIVERED',
      'soak.load': 'LOAD_NOT_DELIVERED',
      'soak.coverage': 'COVERAGE',
    },
  ),
  oneHour('one service is no target', drop(upOf('eva-os')), {
    'soak.coverage': 'COVERAGE',
    'soak.stuck-requests': 'COVERAGE',
  }),
  oneHour(
    'every scrape of a service failed',
    change(upOf('eva-os'), () => 0),
    {
      'soak.coverage': 'COVERAGE',
      'soak.oldest-request': 'COVERAGE',
      'soak.restarts': 'COVERAGE',
    },
  ),
  oneHour(
    'every scrape of everything failed',
    change({ name: 'up' }, () => 0),
    {
      'soak.coverage': 'COVERAGE',
      'soak.started': 'COVERAGE',
      'soak.sessions': 'COVERAGE',
    },
  ),
  oneHour(
    'one scrape in 50 failed',
    change(upOf('openclaw'), (seconds) => (seconds % 750 === 0 ? 0 : 1)),
    { 'soak.coverage': 'COVERAGE' },
  ),
  oneHour('a hole of six minutes', unscraped(everything, 1800, 2160), {
    'soak.coverage': 'GAP',
    'soak.sessions-ledger': 'GAP',
  }),
  oneHour(
    'a hole of six minutes in one service',
    unscraped({ name: '*', labels: { service: 'pipecat' } }, 1800, 2160),
    { 'soak.coverage': 'GAP', 'soak.stuck-requests': 'GAP' },
  ),
  oneHour(
    'a hole of four scrapes in one service',
    unscraped({ name: '*', labels: { service: 'pipecat' } }, 1800, 1861),
    { 'soak.stuck-requests': 'GAP' },
  ),
  oneHour(
    'the clock was set ahead by ten minutes',
    change(everything, (seconds, value) => (seconds >= 1200 && seconds < 1800 ? null : value)),
    { 'soak.coverage': 'GAP', 'soak.started': 'COVERAGE' },
  ),
  oneHour(
    'a start time is missing',
    drop({ name: 'process_start_time_seconds', labels: { service: 'eva-os' } }),
    { 'soak.restarts': 'NO_SERIES' },
  ),
  oneHour(
    'an age that is not a number',
    change(
      { name: 'sonia_http_oldest_in_flight_seconds', labels: { service: 'openclaw' } },
      () => Number.NaN,
    ),
    { 'soak.oldest-request': 'NAN' },
  ),
  oneHour(
    'a start that is counted twice',
    add(
      'sonia_gate_checks_total',
      { job: 'sonia-ops', gate: 'soak', check: 'start', outcome: 'pass', extra: 'x' },
      () => 1,
    ),
    { 'soak.started': 'MULTI_SERIES' },
  ),
  oneHour(
    'a seventh service',
    add('sonia_http_oldest_in_flight_seconds', { job: 'sonia', service: 'stranger' }, () => 0),
    { 'soak.oldest-request': 'MULTI_SERIES' },
  ),
  oneHour('the supervisor was not watched', drop({ name: 'up', labels: { job: 'sonia-ops' } }), {
    'soak.started': 'COVERAGE',
    'soak.supervised-restarts': 'COVERAGE',
    'soak.load-generator-memory': 'COVERAGE',
  }),
  oneHour(
    'the supervisor missed one scrape in 50',
    change({ name: 'up', labels: { job: 'sonia-ops' } }, (seconds) => (seconds % 750 === 0 ? 0 : 1)),
    { 'soak.started': 'COVERAGE' },
  ),
  oneHour('the alert rules were not evaluated', drop({ name: 'ALERTS' }), { 'soak.alerts': 'COVERAGE' }),
  oneHour(
    'the gate did not come to its end',
    change({ name: 'sonia_gate_checks_total', labels: { check: 'complete' } }, () => 0),
    { 'soak.error-ratio': 'ABORTED', 'soak.coverage': 'ABORTED' },
  ),
]

const ok = (scenario: string) => ({ name: 'k6_responses_total', labels: { scenario } })

const WITHOUT_LOAD: readonly PlantedCase[] = [
  ...(['chat', 'action', 'voice'] as const).map((scenario) =>
    oneHour(
      `one ${scenario} in 50 was not finished`,
      change({ name: 'k6_iterations_total', labels: { scenario } }, (_, value) => Math.floor(value * 0.98)),
      { 'soak.error-ratio': 'LOAD_NOT_DELIVERED', 'soak.load': 'LOAD_NOT_DELIVERED' },
    ),
  ),
  oneHour(
    'one planned request was dropped',
    add('k6_dropped_iterations_total', { scenario: 'chat' }, (seconds) => (seconds > 600 ? 1 : 0)),
    { 'soak.error-ratio': 'LOAD_NOT_DELIVERED' },
  ),
  oneHour(
    'the load generator began again',
    change({ name: 'k6_*' }, (seconds, value) => (seconds > 1800 ? Math.floor(value / 2) : value)),
    { 'soak.error-ratio': 'LOAD_NOT_DELIVERED' },
  ),
  oneHour(
    'the gateway counted fewer chats than the client',
    change(
      { name: 'sonia_http_requests_finished_total', labels: { service: 'api-gateway', route: '/v1/chat' } },
      (_, value) => Math.floor(value * 0.995),
    ),
    { 'soak.error-ratio': 'CLIENT_SERVER_MISMATCH' },
  ),
  oneHour(
    'pipecat chats too',
    add(
      'sonia_http_requests_finished_total',
      { job: 'sonia', service: 'api-gateway', route: '/v1/chat', caller: 'pipecat' },
      (seconds) => grown(300, HOUR, seconds),
    ),
    { 'soak.error-ratio': 'PASS' },
  ),
]

/** Of every thousand responses so many fail, in whole numbers, inside the load's total. */
function failing(scenario: 'chat' | 'action' | 'voice', share: number): Plant {
  const total = HOUR.planned[scenario]
  const bad = (seconds: number) => Math.floor(grown(total, HOUR, seconds) * share)
  return all(
    change(ok(scenario), (seconds, value) => value - bad(seconds)),
    add(
      'k6_responses_total',
      { scenario, route: ROUTES[scenario], code: 'TIMEOUT', outcome: 'timeout' },
      bad,
    ),
  )
}

const FAULTS: readonly PlantedCase[] = [
  oneHour(
    'the stack did not start',
    change({ name: 'sonia_gate_checks_total', labels: { check: 'start', outcome: 'pass' } }, () => 0),
    { 'soak.started': 'FAIL' },
  ),
  oneHour(
    '8 chats in 1,000 fail',
    all(failing('chat', 0.008), failing('action', 0.008), failing('voice', 0.008)),
    { 'soak.error-ratio': 'FAIL', 'soak.worst-hour': 'PASS' },
  ),
  oneHour(
    '4.5 in 1,000 fail',
    all(failing('chat', 0.0045), failing('action', 0.0045), failing('voice', 0.0045)),
    { 'soak.error-ratio': 'UNDERPOWERED' },
  ),
  oneHour(
    '25 chats in 1,000 fail',
    all(failing('chat', 0.025), failing('action', 0.025), failing('voice', 0.025)),
    { 'soak.error-ratio': 'FAIL', 'soak.worst-hour': 'FAIL' },
  ),
  oneHour(
    'a service restarted',
    change({ name: 'process_start_time_seconds', labels: { service: 'eva-os' } }, (seconds, value) =>
      seconds > 1800 ? 2000 : value,
    ),
    { 'soak.restarts': 'FAIL', 'soak.sessions': 'RESTART_IN_WINDOW' },
  ),
  oneHour(
    'the supervisor restarted a service',
    change({ name: 'sonia_service_restarts_total', labels: { service: 'eva-os' } }, (seconds) =>
      seconds > 1800 ? 1 : 0,
    ),
    { 'soak.supervised-restarts': 'FAIL', 'soak.restarts': 'PASS' },
  ),
  oneHour(
    'a request never ended',
    change(
      { name: 'sonia_http_requests_finished_total', labels: { service: 'memory-engine', route: '/any' } },
      (seconds, value) => (seconds > 900 ? value - 1 : value),
    ),
    { 'soak.stuck-requests': 'FAIL' },
  ),
  oneHour(
    'a request took 45 s',
    change({ name: 'sonia_http_oldest_in_flight_seconds', labels: { service: 'model-router' } }, (seconds) =>
      seconds === 1815 ? 45 : 0.4,
    ),
    { 'soak.oldest-request': 'FAIL' },
  ),
  oneHour(
    'a session was never closed',
    all(
      change({ name: 'sonia_voice_sessions_closed_total' }, (seconds, value) =>
        seconds > 900 ? value - 1 : value,
      ),
      change({ name: 'sonia_voice_sessions_active' }, (seconds, value) =>
        seconds > 900 ? value + 1 : value,
      ),
    ),
    { 'soak.sessions': 'FAIL', 'soak.sessions-active': 'FAIL', 'soak.sessions-ledger': 'PASS' },
  ),
  oneHour(
    'a session was lost',
    change({ name: 'sonia_voice_sessions_active' }, (seconds, value) =>
      seconds > 900 && seconds < 1000 ? value - 1 : value,
    ),
    { 'soak.sessions-ledger': 'FAIL' },
  ),
  oneHour(
    'k6 swelled to 1.5 GiB for a minute',
    change({ name: 'sonia_tool_resident_memory_bytes' }, (seconds, value) =>
      seconds >= 1800 && seconds < 1860 ? 1.5 * 2 ** 30 : value,
    ),
    { 'soak.load-generator-memory': 'FAIL' },
  ),
  oneHour(
    'a pager rang for a minute',
    add('ALERTS', { alertname: 'HighLatency', alertstate: 'firing', severity: 'warning' }, (seconds) =>
      seconds >= 1800 && seconds < 1860 ? 1 : null,
    ),
    { 'soak.alerts': 'FAIL' },
  ),
  oneHour(
    'an alert was pending, and did not fire',
    add('ALERTS', { alertname: 'HighLatency', alertstate: 'pending', severity: 'warning' }, (seconds) =>
      seconds >= 1800 && seconds < 1860 ? 1 : null,
    ),
    { 'soak.alerts': 'PASS' },
  ),
]
