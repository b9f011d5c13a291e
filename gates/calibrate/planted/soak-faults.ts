import { HOUR, oneHour } from './one-hour.ts'
import type { PlantedCase } from './planted-case.ts'
import { add, all, change, earlier, type Plant } from './planted-series.ts'
import { grown, ROUTES } from './sound-soak.ts'

const ok = (scenario: string) => ({ name: 'k6_responses_total', labels: { scenario } })

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

/** Hours in which something went wrong and was seen. */
export const FAULTS: readonly PlantedCase[] = [
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
    'the provider answered nothing, and the embedded one all of it',
    all(
      change({ name: 'sonia_model_requests_total', labels: { outcome: 'ok' } }, () => 0),
      ...(['primary', 'embedded'] as const).map((provider) =>
        change(
          {
            name: 'sonia_model_requests_total',
            labels: { provider, outcome: provider === 'primary' ? 'error' : 'ok' },
          },
          (seconds) => grown(HOUR.planned.chat, HOUR, seconds),
        ),
      ),
    ),
    { 'soak.provider': 'FAIL', 'soak.error-ratio': 'PASS' },
  ),
  oneHour(
    'the provider answered two chats in three',
    change(
      { name: 'sonia_model_requests_total', labels: { provider: 'primary', outcome: 'ok' } },
      (_, value) => Math.floor((value * 2) / 3),
    ),
    { 'soak.provider': 'FAIL' },
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
      seconds > 1800 ? 4 : 3,
    ),
    { 'soak.supervised-restarts': 'FAIL', 'soak.restarts': 'PASS' },
  ),
  oneHour(
    'the supervisor restarted a service before the window',
    earlier({ name: 'sonia_service_restarts_total', labels: { service: 'eva-os' } }, 2),
    { 'soak.supervised-restarts': 'PASS' },
  ),
  oneHour(
    'a request of the last minutes never ended',
    change(
      { name: 'sonia_http_requests_finished_total', labels: { service: 'memory-engine', route: '/any' } },
      (seconds, value) => (seconds > 3300 ? value - 1 : value),
    ),
    { 'soak.stuck-requests': 'FAIL' },
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
