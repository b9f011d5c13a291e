import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { renderDashboard } from './dashboard.ts'
import { figuresOf, type ServiceFigures, type StatusFigures } from './figures.ts'
import { nothingRuns, readStatus } from './status.ts'

const MIB = 1_024 * 1_024

/** Answers of Prometheus: nothing, but for what is given. */
function answers(given: Parameters<typeof figuresOf>[0] | object): Parameters<typeof figuresOf>[0] {
  const empty = Object.fromEntries(KEYS.map((key) => [key, []]))
  return { ...empty, ...given } as unknown as Parameters<typeof figuresOf>[0]
}

const KEYS =
  'uptime errorRatio p95 up state requests errors serviceP95 searches sessions active executions approvals memory alerts nextBackup verifiedBackup'.split(
    ' ',
  )
const of = (service: string, value: number) => ({ labels: { service }, value })
const one = (value: number) => [{ labels: {}, value }]

test('what Prometheus does not know is a dash and no colour, never a zero or green', () => {
  const text = renderDashboard(figuresOf(answers({})), { portBase: 7_000, colour: false })
  assert.match(text, /Error Rate: -\s+\(no data\)/)
  assert.match(text, /p95 Latency: -\s+\(no data\)/)
  assert.doesNotMatch(text, /green|0\.00%/)
  assert.equal(text.match(/Status: UNKNOWN/g)?.length, 6)
})

test('NaN is no figure', () => {
  const figures = figuresOf(answers({ errorRatio: one(NaN), p95: one(NaN) }))
  assert.equal(figures.errorRatio, null)
  assert.equal(figures.p95Seconds, null)
})

test('a service is down when its scrape fails or it says so, and degraded when it says so', () => {
  const states = figuresOf(
    answers({
      up: [of('openclaw', 0), of('eva-os', 1), of('pipecat', 1), of('api-gateway', 1)],
      state: [of('openclaw', 1), of('eva-os', 0), of('pipecat', 0.5), of('api-gateway', 1)],
    }),
  ).services.map(({ service, state }) => [service, state])
  assert.deepEqual(Object.fromEntries(states), {
    'api-gateway': 'OK',
    'model-router': 'UNKNOWN',
    'memory-engine': 'UNKNOWN',
    pipecat: 'DEGRADED',
    openclaw: 'DOWN',
    'eva-os': 'DOWN',
  })
})

test('errors are 0 only where requests are counted', () => {
  const { services } = figuresOf(answers({ requests: [of('openclaw', 7)] }))
  const errors = (name: ServiceName) => services.find(({ service }) => service === name)?.errors
  assert.equal(errors('openclaw'), 0)
  assert.equal(errors('eva-os'), null)
})

function full(more: Partial<StatusFigures> = {}): StatusFigures {
  const services = SERVICE_NAMES.map(
    (service): ServiceFigures => ({
      service,
      state: 'OK',
      errors: 0,
      p95Seconds: 0.145,
      work: 24_534,
      active: service === 'pipecat' ? 3 : null,
      memoryBytes: 234 * MIB,
    }),
  )
  return {
    uptimeSeconds: 48 * 86_400 + 3 * 3_600 + 12 * 60,
    errorRatio: 0.0002,
    p95Seconds: 0.234,
    services,
    alerts: [],
    nextBackupAt: 1_770_562_800,
    lastVerifiedBackupAt: null,
    ...more,
  }
}

test('the layout is the one that was asked for', () => {
  const lines = renderDashboard(full(), { portBase: 7_000, colour: false }).split('\n')
  assert.equal(new Set(lines.filter((line) => line !== '').map((line) => line.length)).size, 1)
  const body = lines.map((line) => line.replace(/^│ | *│$/g, ''))
  assert.deepEqual(body.slice(1, 9), [
    'SONIA PRODUCTION DASHBOARD',
    `├${'─'.repeat(49)}┤`,
    'Uptime: 48d 3h 12m',
    'Error Rate: 0.02%  (green)',
    'p95 Latency: 234ms  (green)',
    `├${'─'.repeat(49)}┤`,
    'API Gateway (7000)',
    '  Status: OK  Errors: 0  p95: 145ms',
  ])
  assert.equal(body.includes('  Sessions: 24,534  Active: 3  Memory: 234 MB'), true)
  assert.equal(body.includes('Alerts: None'), true)
  assert.equal(body.includes('Next backup: 2026-02-08 15:00:00'), true)
})

test('colours follow the thresholds of the alerts', () => {
  const word = (errorRatio: number) =>
    /Error Rate: .*\((\w+)\)/.exec(
      renderDashboard(full({ errorRatio }), { portBase: 7_000, colour: false }),
    )?.[1]
  assert.deepEqual([0.01, 0.011, 0.05, 0.051].map(word), ['green', 'yellow', 'yellow', 'red'])
})

test('colour codes take no room, and long alerts are cut at the border', () => {
  const alerts = [{ name: 'GateBudgetBurn'.repeat(4), service: 'api-gateway', severity: 'critical' }]
  const text = renderDashboard(full({ alerts }), { portBase: 7_000, colour: true })
  const widths = text
    .split('\n')
    .filter(Boolean)
    .map((line) => stripVTControlCharacters(line).length)
  assert.deepEqual([...new Set(widths)], [51])
})

test('without Prometheus and services nothing runs, and that is said', async () => {
  const answer = await readStatus(58_000)
  assert.equal(nothingRuns(answer), true)
  assert.match(answer.note ?? '', /Prometheus does not answer/)
})
