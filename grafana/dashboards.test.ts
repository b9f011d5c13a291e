import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { alertGroups } from '#ops/alerts/render-rules.ts'
import { PRODUCTION_TIMING } from '#ops/alerts/timing.ts'
import { THRESHOLDS } from '#ops/thresholds.ts'
import { METRICS } from '#chassis/metric-registry.ts'
import { OPS_METRICS } from '#ops/metric-registry.ts'
import { ALL_DASHBOARDS } from './all-dashboards.ts'
import { panelQueries, strayAllowances } from './panel-queries.ts'
import { problemsOf, type RenderedDashboard } from './conventions.ts'
import { renderDashboards } from './render-dashboards.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const rendered = [...renderDashboards()].map(([name, text]) => ({
  name,
  dashboard: JSON.parse(text) as RenderedDashboard,
}))
const uids = new Set(rendered.map(({ dashboard }) => dashboard.uid))

test('the committed dashboards are what the code renders', () => {
  const files = readdirSync(new URL('dashboards', import.meta.url)).toSorted()
  assert.deepEqual(files, [...renderDashboards().keys()].toSorted())
  for (const [name, text] of renderDashboards()) assert.equal(read(`dashboards/${name}`), text, name)
})

for (const { name, dashboard } of rendered) {
  test(`${name} keeps the conventions`, () => {
    assert.deepEqual(problemsOf(dashboard, uids), [])
  })
}

const [first] = rendered
const planted = (change: (panel: RenderedDashboard['panels'][number]) => object) => {
  assert.ok(first)
  const panels = first.dashboard.panels.map((panel) =>
    panel.type === 'stat' ? { ...panel, ...change(panel) } : panel,
  )
  return problemsOf({ ...first.dashboard, panels } as RenderedDashboard, uids)
}

test('a panel without description, unit, or the chosen data source is found', () => {
  assert.match(planted(() => ({ description: '' })).join(), /no description/)
  assert.match(
    planted(({ fieldConfig }) => ({ fieldConfig: { ...fieldConfig, defaults: {} } })).join(),
    /no unit/,
  )
  assert.match(planted(() => ({ datasource: { type: 'prometheus', uid: 'abc' } })).join(), /data source/)
})

test('a fixed rate window on a line and a link to nowhere are found', () => {
  const targets = [{ expr: 'rate(x_total[3m])', datasource: { uid: '${datasource}' }, range: true }]
  assert.match(planted(() => ({ type: 'timeseries', targets })).join(), /rate interval/)
  const lost = planted(({ fieldConfig }) => ({
    fieldConfig: { ...fieldConfig, defaults: { unit: 's', links: [{ url: '/d/nobody' }] } },
  }))
  assert.match(lost.join(), /leads nowhere/)
})

test('every dashboard that an alert points to exists', () => {
  const named = Object.values(alertGroups(PRODUCTION_TIMING))
    .flat()
    .map(({ dashboard }) => dashboard)
  assert.deepEqual(
    named.filter((uid) => !uids.has(uid)),
    [],
  )
})

test('every metric of ours in a query stands in a registry', () => {
  const known = new Set<string>([...METRICS.map(({ name }) => name), ...Object.keys(OPS_METRICS)])
  for (const { expr, panel } of panelQueries({ rangeSeconds: 60, rateSeconds: 5 })) {
    for (const [name] of expr.matchAll(/(?<![:\w])sonia_\w+/g)) {
      assert.ok(known.has(name.replace(/_(bucket|count|sum)$/, '')) || known.has(name), `${panel}: ${name}`)
    }
  }
})

test('limits are those of the one source of thresholds', () => {
  const limits = ALL_DASHBOARDS.flatMap(({ rows }) => Object.values(rows).flat()).filter(
    ({ title }) => title === 'Error ratio by service',
  )
  assert.deepEqual(
    limits.map((panel) => panel.limits),
    [THRESHOLDS.errorRatio],
  )
})

test('the list of queries that may be empty names only panels that exist', () => {
  assert.deepEqual(strayAllowances(), [])
})

test('provisioning links exemplars to traces, traces to logs and logs to traces, by uids that exist', () => {
  const { datasources } = parse(read('provisioning/datasources/sonia.yaml')) as {
    datasources: { uid: string; type: string; jsonData: Record<string, unknown> }[]
  }
  const known = new Set(datasources.map(({ uid }) => uid))
  const named = JSON.stringify(datasources).matchAll(/"datasourceUid":"([^"]+)"/g)
  assert.deepEqual(
    [...named].map(([, uid]) => uid).filter((uid) => !known.has(uid ?? '')),
    [],
  )
  assert.deepEqual(
    datasources.map(({ type }) => type),
    ['prometheus', 'tempo', 'loki', 'alertmanager'],
  )
  const dataOf = (type: string) => datasources.find((source) => source.type === type)?.jsonData ?? {}
  assert.ok(dataOf('prometheus')['exemplarTraceIdDestinations'])
  assert.ok(dataOf('tempo')['tracesToLogsV2'])
  assert.ok(dataOf('loki')['derivedFields'])
})

test('provisioning loads the folder of the committed dashboards', () => {
  const { providers } = parse(read('provisioning/dashboards/sonia.yaml')) as {
    providers: { options: { path: string } }[]
  }
  assert.deepEqual(
    providers.map(({ options }) => options.path),
    ['/etc/grafana/sonia-dashboards'],
  )
  assert.ok(existsSync(new URL('dashboards', import.meta.url)))
})

test('a dashboard asks nothing that the list of queries leaves out: one variable, no annotations', () => {
  for (const { name, dashboard } of rendered) {
    const { templating, annotations } = dashboard as unknown as {
      templating: { list: readonly { type: string; query?: unknown }[] }
      annotations?: { list?: readonly unknown[] }
    }
    assert.deepEqual(annotations?.list ?? [], [], name)
    for (const { type, query } of templating.list)
      if (type === 'query') assert.equal(query, 'label_values(sonia_build_info{job="sonia"}, service)')
  }
  const variables = panelQueries({ rangeSeconds: 60, rateSeconds: 4 }).filter(
    ({ panel }) => panel === 'variable service',
  )
  assert.notEqual(variables.length, 0)
})
