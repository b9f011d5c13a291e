import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { CATALOG, SERVICE_NAMES } from '#catalog'
import { REPO } from '../fixtures/test-host.ts'
import { renderAlertmanagerConfig } from './alertmanager-config.ts'
import { renderCollectorConfig } from './collector-config.ts'
import { promDuration } from './durations.ts'
import { renderPrometheusConfig } from './prometheus-config.ts'

const template = (...path: readonly string[]) => readFileSync(join(REPO, ...path), 'utf8')
const targets = SERVICE_NAMES.map((service) => ({ service, address: `127.0.0.1:${CATALOG[service].port}` }))

test('the committed Prometheus configuration is what production settings render', () => {
  const text = template('prometheus', 'prometheus.yml')
  const rendered = renderPrometheusConfig(text, { scrapeIntervalSeconds: 15, portBase: 7_000, targets })
  assert.deepEqual(parse(rendered), parse(text))
})

test('the committed Collector configuration is what default ports render', () => {
  const text = template('otel', 'collector', 'config.yaml')
  assert.deepEqual(
    parse(renderCollectorConfig(text, { portBase: 7_000, tracesFile: 'traces.jsonl' })),
    parse(text),
  )
})

test('without receivers and short waits Alertmanager is configured as committed', () => {
  const text = template('prometheus', 'alertmanager.yml')
  assert.deepEqual(parse(renderAlertmanagerConfig(text, { receivers: {} })), parse(text))
})

test('no address of the default ports is left at another port base', () => {
  const settings = { scrapeIntervalSeconds: 1, portBase: 8_000, targets: [], tracesFile: '/t' }
  const rendered =
    renderPrometheusConfig(template('prometheus', 'prometheus.yml'), settings) +
    renderCollectorConfig(template('otel', 'collector', 'config.yaml'), settings)
  assert.deepEqual(
    [...rendered.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1])).sort((a, b) => a - b),
    [5_318, 8_090, 9_888, 10_090, 10_093, 10_093, 14_133],
  )
})

test('a scrape never takes longer than its interval', () => {
  for (const [interval, timeout] of [
    [1, '1s'],
    [5, '5s'],
    [15, '10s'],
  ] as const) {
    const text = template('prometheus', 'prometheus.yml')
    const rendered = renderPrometheusConfig(text, {
      scrapeIntervalSeconds: interval,
      portBase: 7_000,
      targets,
    })
    assert.equal((parse(rendered) as { global: { scrape_timeout: string } }).global.scrape_timeout, timeout)
  }
})

test('receivers go where they are named, and short waits reach every route', () => {
  const rendered = renderAlertmanagerConfig(template('prometheus', 'alertmanager.yml'), {
    receivers: { page: { webhook_configs: [{ url: 'http://127.0.0.1:1/page' }] } },
    waits: { pageSeconds: 0, ticketSeconds: 1, intervalSeconds: 1 },
  })
  const config = parse(rendered) as {
    route: { group_wait: string; routes: { group_wait: string; group_interval: string }[] }
    receivers: { name: string; webhook_configs?: unknown }[]
  }
  assert.deepEqual(
    config.receivers
      .filter((receiver) => receiver.webhook_configs !== undefined)
      .map((receiver) => receiver.name),
    ['page'],
  )
  const routes = [config.route, ...config.route.routes] as { group_wait: string }[]
  assert.deepEqual(
    routes.map((route) => route.group_wait),
    ['1s', '0s', '0s', '1s', '1s'],
  )
})

test('durations are written in the largest whole unit', () => {
  assert.deepEqual([0, 0.25, 1, 59, 60, 90, 3_600, 5_400].map(promDuration), [
    '0s',
    '250ms',
    '1s',
    '59s',
    '1m',
    '90s',
    '1h',
    '90m',
  ])
})
