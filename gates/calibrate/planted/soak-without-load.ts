import { HOUR, oneHour } from './one-hour.ts'
import type { PlantedCase } from './planted-case.ts'
import { add, change, onlyEarlier } from './planted-series.ts'
import { grown } from './sound-soak.ts'

/** Hours whose load was not the planned one, or not counted alike on both sides. */
export const WITHOUT_LOAD: readonly PlantedCase[] = [
  ...(['chat', 'action', 'voice'] as const).map((scenario) =>
    oneHour(
      `one ${scenario} in 50 was not finished`,
      change({ name: 'k6_iterations_total', labels: { scenario } }, (_, value) => Math.floor(value * 0.98)),
      { 'soak.error-ratio': 'LOAD_NOT_DELIVERED', 'soak.load': 'LOAD_NOT_DELIVERED' },
    ),
  ),
  ...(['chat', 'action', 'voice'] as const).map((scenario) =>
    oneHour(
      `every ${scenario} was finished before the window`,
      onlyEarlier({ name: 'k6_iterations_total', labels: { scenario } }, HOUR.planned[scenario]),
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
