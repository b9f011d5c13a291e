import { SERVICE_NAMES } from '#catalog'
import { type Checks, DURATIONS, PARAMETERS, PLANNED, SECONDS, SOUND, TESTS } from './check-tables.ts'
import type { PlantedCase } from './planted-case.ts'
import {
  add,
  all,
  change,
  drop,
  earlier,
  type Plant,
  type PlantedSeries,
  type SeriesMatch,
  unscraped,
} from './planted-series.ts'

/**
 * For each of these gates: nothing wrong, each check once less, each check once failed, and data that say nothing. Where
 * no expectation is given the gate must not pass, whichever criterion says so.
 */
export function checkCases(): readonly PlantedCase[] {
  return Object.entries(SOUND).flatMap(([gate, checks]) => casesOf(gate, checks))
}

type Planter = (name: string, plant: Plant, expect?: PlantedCase['expect']) => PlantedCase

function checkOf(gate: string, check: string, outcome: string): SeriesMatch {
  return { name: CHECKS, labels: { job: 'sonia-ops', gate, check, outcome } }
}

function casesOf(gate: string, checks: Checks): readonly PlantedCase[] {
  const sound = soundChecks(gate, checks)
  const planted: Planter = (name, plant, expect = {}) => ({
    name: `${gate}: ${name}`,
    gate,
    seconds: SECONDS,
    scrapeSeconds: 15,
    parameters: PARAMETERS,
    series: plant(sound),
    expect,
  })
  const some = Object.keys(checks).filter((check, index) => !check.startsWith('at-') || index < 4)
  const of = (check: string, outcome: string) => checkOf(gate, check, outcome)
  return [
    planted('nothing wrong', (series) => series, { '*': 'PASS' }),
    planted('nothing recorded', () => [], { '*': 'COVERAGE' }),
    planted('nothing counted', drop({ name: CHECKS })),
    planted(
      'everything counted is 0, and the gate came to its end',
      all(
        ...Object.keys(checks).map((check) =>
          change(of(check, 'pass'), (_, value) => (check === 'complete' ? value : 0)),
        ),
      ),
      Object.fromEntries((FAILURES_ALONE[gate] ?? []).map((id) => [`${gate}.${id}`, 'UNDERPOWERED'])),
    ),
    ...some.map((check) =>
      planted(
        `${check} passed once less`,
        change(of(check, 'pass'), (_, value) => value - 1),
      ),
    ),
    ...some.map((check) =>
      planted(
        `${check} failed once`,
        change(of(check, 'fail'), (seconds) => (seconds < 900 ? 0 : 1)),
        IN_NO_RUN.has(`${gate}: ${check}`) ? { '*': 'PASS' } : {},
      ),
    ),
    ...some.map((check) =>
      planted(
        `${check} was not counted`,
        drop({ name: CHECKS, labels: { job: 'sonia-ops', gate, check } }),
        check.startsWith('at-') ? { '*': 'PASS' } : {},
      ),
    ),
    ...unsound(gate, planted),
    ...Object.entries(DURATIONS[gate] ?? {}).map(([check, [, tooLong]]) =>
      planted(
        `${check} took ${tooLong} s`,
        change({ name: SECONDS_TAKEN, labels: { job: 'sonia-ops', gate, check } }, () => tooLong),
      ),
    ),
    ...(gate === 'determinism' ? [...fewTests(planted, gate), ...unscrapedParts(planted)] : []),
  ]
}

/** No run can record it: a test that failed at its place failed in its run, and a run that is complete did not fail to be. */
const IN_NO_RUN: ReadonlySet<string> = new Set(['determinism: at-1 a test', 'determinism: complete'])

/** Criteria that ask for failures alone: how many were tested is asked beside them. */
const FAILURES_ALONE: Readonly<Record<string, readonly string[]>> = {
  'go-no-go': ['failed', 'stop-faults', 'unhealthy'],
  determinism: ['failed', 'same-number'],
  security: ['not-refused'],
  durability: ['failed'],
  observability: ['bad-log-lines', 'failed'],
  'release-lock': ['failed'],
}

/** Data that say nothing, or of which something else is to be said. */
function unsound(gate: string, planted: Planter): readonly PlantedCase[] {
  // The first gate asks for these; the others leave it to it.
  const others: PlantedCase['expect'] = gate === 'go-no-go' ? {} : { '*': 'PASS' }
  return [
    planted(
      'the gate did not end',
      change(checkOf(gate, 'complete', 'pass'), () => 0),
    ),
    planted(
      'the tree held changes',
      change({ name: 'sonia_build_dirty', labels: { job: 'sonia-ops' } }, () => 1),
      gate === 'go-no-go' ? { 'go-no-go.artefacts': 'DIRTY_BUILD', 'go-no-go.cycles': 'PASS' } : others,
    ),
    planted('nobody knows of the tree', drop({ name: 'sonia_build_dirty' }), others),
    planted(
      'the supervisor began to count again',
      change({ name: CHECKS, labels: { job: 'sonia-ops', gate } }, (seconds, value) =>
        seconds > 600 && seconds < 660 ? 0 : value,
      ),
      { '*': 'COUNTER_INCONSISTENT', ...(gate === 'go-no-go' ? { 'go-no-go.restarts': 'PASS' } : {}) },
    ),
    planted(
      'the supervisor missed one scrape in 50',
      change({ name: 'up', labels: { job: 'sonia-ops' } }, (seconds) => (seconds % 450 === 0 ? 0 : 1)),
    ),
    planted('a hole of six minutes', unscraped({ name: '*' }, 600, 960)),
    planted(
      'the supervisor restarted a service',
      change(
        { name: 'sonia_service_restarts_total', labels: { job: 'sonia-ops', service: 'eva-os' } },
        (seconds) => (seconds > 900 ? 1 : 0),
      ),
      others,
    ),
    ...[2, 5].map((restarts) =>
      planted(
        `the supervisor had counted ${restarts} restarts of a service before the window`,
        earlier(
          { name: 'sonia_service_restarts_total', labels: { job: 'sonia-ops', service: 'eva-os' } },
          restarts,
        ),
        { '*': 'PASS' },
      ),
    ),
    planted(
      'a check that nobody knows',
      add(CHECKS, { job: 'sonia-ops', gate, check: 'unknown', outcome: 'pass' }, () => 1),
      gate === 'release-lock' ? {} : { '*': 'PASS' },
    ),
  ]
}

function fewTests(planted: Planter, gate: string): readonly PlantedCase[] {
  const runs = { name: CHECKS, labels: { job: 'sonia-ops', gate } }
  const capped = (tests: number): Plant => change(runs, (_, value) => (value === TESTS ? tests : value))
  return [
    planted('no tests at all, and 0 = 0', capped(0), { 'determinism.enough': 'FAIL' }),
    planted('39 tests', capped(39), { 'determinism.enough': 'FAIL' }),
  ]
}

/** The tests ran in the first and in the last 10 min; two scrapes are missing somewhere. */
function unscrapedParts(planted: Planter): readonly PlantedCase[] {
  const missing = (from: number): Plant =>
    change({ name: 'up', labels: { job: 'sonia-ops' } }, (seconds) =>
      seconds >= from && seconds < from + 30 ? 0 : 1,
    )
  const parts = [
    ['before the pause', 300, 'COVERAGE'],
    ['in the pause', 900, 'PASS'],
    ['after the pause', 1500, 'COVERAGE'],
  ] as const
  return parts.map(([where, from, says]) => ({
    ...planted(`two scrapes are missing ${where}`, missing(from), { '*': says }),
    pause: [600, 1200],
  }))
}

const CHECKS = 'sonia_gate_checks_total'
const SECONDS_TAKEN = 'sonia_gate_check_duration_seconds'

/** Beside what is asked stand strangers under other jobs, gates and outcomes, with other values: a question that loses a matcher meets them. */
function soundChecks(gate: string, checks: Checks): readonly PlantedSeries[] {
  const series = (labels: Readonly<Record<string, string>>, value: number): PlantedSeries => ({
    name: CHECKS,
    labels,
    at: () => value,
  })
  const counted = Object.entries({ complete: 1, ...checks }).flatMap(([check, value]) => [
    series({ job: 'sonia-ops', gate, check, outcome: 'pass' }, value),
    series({ job: 'sonia-ops', gate, check, outcome: 'fail' }, 0),
    series({ job: 'sonia-ops', gate, check, outcome: 'error' }, 0),
    series({ job: 'sonia-ops', gate: 'stranger', check, outcome: 'pass' }, 7),
    series({ job: 'sonia-ops', gate: 'stranger', check, outcome: 'fail' }, 7),
    series({ job: 'stranger', gate, check, outcome: 'pass' }, 9),
    series({ job: 'stranger', gate, check, outcome: 'fail' }, 9),
  ])
  const services = SERVICE_NAMES.flatMap((service) => [
    { name: 'sonia_service_restarts_total', labels: { job: 'sonia-ops', service }, at: () => 3 },
    {
      name: 'sonia_service_restarts_total',
      labels: { job: 'stranger', service },
      at: (seconds: number) => Math.max(0, Math.floor(seconds / 60)),
    },
  ])
  return [
    { name: 'up', labels: { job: 'sonia-ops' }, at: () => 1 },
    { name: 'up', labels: { job: 'stranger' }, at: () => 0 },
    { name: 'sonia_build_dirty', labels: { job: 'sonia-ops' }, at: () => 0 },
    { name: 'sonia_build_dirty', labels: { job: 'stranger' }, at: () => 1 },
    // Its counter begins again within the window.
    {
      name: CHECKS,
      labels: { job: 'stranger', gate, check: 'begins-again', outcome: 'pass' },
      at: (seconds) => seconds % 600,
    },
    {
      name: CHECKS,
      labels: { job: 'sonia-ops', gate: 'stranger', check: 'begins-again', outcome: 'pass' },
      at: (seconds) => seconds % 600,
    },
    ...counted,
    ...services,
    ...takenSeries(gate),
    ...plannedSeries(gate),
  ]
}

function takenSeries(gate: string): readonly PlantedSeries[] {
  const taken = (labels: Readonly<Record<string, string>>, seconds: number): PlantedSeries => ({
    name: SECONDS_TAKEN,
    labels,
    at: () => seconds,
  })
  const own = Object.entries(DURATIONS[gate] ?? {})
  return own.flatMap(([check, [seconds, tooLong]]) => [
    taken({ job: 'sonia-ops', gate, check }, seconds),
    taken({ job: 'stranger', gate, check }, tooLong),
    taken({ job: 'sonia-ops', gate: 'stranger', check }, tooLong),
    taken({ job: 'sonia-ops', gate, check: `${check}-stranger` }, tooLong),
  ])
}

function plannedSeries(gate: string): readonly PlantedSeries[] {
  const planned = (labels: Readonly<Record<string, string>>, count: number): PlantedSeries => ({
    name: 'sonia_load_planned_iterations',
    labels,
    at: () => count,
  })
  return Object.entries(PLANNED[gate] ?? {}).flatMap(([scenario, count]) => [
    planned({ job: 'sonia-ops', scenario }, count),
    planned({ job: 'stranger', scenario }, 7),
    planned({ job: 'sonia-ops', scenario: 'stranger' }, 7),
  ])
}
