import { everything, HOUR, oneHour } from './one-hour.ts'
import type { PlantedCase } from './planted-case.ts'
import { add, all, change, drop, earlier, unscraped } from './planted-series.ts'

const upOf = (service: string) => ({ name: 'up', labels: { job: 'sonia', service } })

/** Hours of which too little is known. */
export const WITHOUT_DATA: readonly PlantedCase[] = [
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
    'the clock was set back by two seconds',
    change({ name: 'sonia_host_clock_offset_seconds' }, (seconds) => (seconds >= 1200 ? -2 : 0)),
    { 'soak.coverage': 'CLOCK_STEP', 'soak.oldest-request': 'CLOCK_STEP', 'soak.error-ratio': 'PASS' },
  ),
  ...[-3600, 3600].map((offset) =>
    oneHour(
      `the clock was ${offset > 0 ? 'ahead' : 'behind'} before the window`,
      earlier({ name: 'sonia_host_clock_offset_seconds' }, offset),
      { '*': 'PASS' },
    ),
  ),
  oneHour(
    'the configuration was another before the window',
    add('sonia_configuration_info', { job: 'sonia-ops', digest: 'b' }, (seconds) => (seconds < 0 ? 1 : null)),
    { '*': 'PASS' },
  ),
  oneHour('nobody watched the clock', drop({ name: 'sonia_host_clock_offset_seconds' }), {
    'soak.coverage': 'CLOCK_STEP',
  }),
  oneHour(
    'the configuration was changed and changed back',
    all(
      unscraped({ name: 'sonia_configuration_info' }, 1200, 1260),
      add('sonia_configuration_info', { job: 'sonia-ops', digest: 'b' }, (seconds) =>
        seconds >= 1200 && seconds < 1260 ? 1 : null,
      ),
    ),
    { 'soak.coverage': 'CONFIG_CHANGED', 'soak.started': 'PASS' },
  ),
  oneHour('nobody watched the configuration', drop({ name: 'sonia_configuration_info' }), {
    'soak.coverage': 'CONFIG_CHANGED',
  }),
  oneHour(
    'a tree with changes, and no release',
    change({ name: 'sonia_build_dirty' }, () => 1),
    { 'soak.started': 'PASS' },
  ),
  oneHour(
    'a start time is missing',
    drop({ name: 'process_start_time_seconds', labels: { service: 'eva-os' } }),
    { 'soak.restarts': 'NO_SERIES' },
  ),
  oneHour(
    'starts that are not a number',
    change({ name: 'process_start_time_seconds', labels: { service: 'eva-os' } }, () => Number.NaN),
    { 'soak.restarts': 'NAN' },
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
