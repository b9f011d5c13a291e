import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import type { MetricDefinition } from '#chassis/metric-definition.ts'
import { METRICS } from '#chassis/metric-registry.ts'
import { type MetricFamily, parseOpenMetrics } from '#chassis/open-metrics-parser.ts'
import { ask } from '../stack-under-test.ts'

/** Labels that the format itself brings. */
const OF_THE_FORMAT = new Set(['le'])

async function exposed(service: ServiceName): Promise<readonly MetricFamily[]> {
  const families = parseOpenMetrics(String((await ask(service, { path: '/metrics' })).body))
  return [...families.values()].filter(({ name }) => name.startsWith('sonia_'))
}

/** The format takes `_total` off the family's name. */
const familyName = ({ name, type }: MetricDefinition) =>
  type === 'counter' ? name.replace(/_total$/, '') : name

for (const service of SERVICE_NAMES) {
  const declared: readonly MetricDefinition[] = METRICS.filter((metric) =>
    (metric.services as readonly ServiceName[]).includes(service),
  )

  test(`${service} exposes exactly the metrics that the registry gives it, each of its type`, async () => {
    const found = (await exposed(service)).map(({ name, type }) => `${name} ${type}`)
    const expected = declared.map((metric) => `${familyName(metric)} ${metric.type}`)
    assert.deepEqual(found.toSorted(), expected.toSorted())
  })

  test(`${service} labels its metrics as the registry says, with values of the closed lists`, async () => {
    for (const family of await exposed(service)) {
      const labels = declared.find((metric) => familyName(metric) === family.name)?.labels ?? {}
      for (const sample of family.samples) assertKnown(family.name, sample.labels, labels)
    }
  })
}

function assertKnown(
  metric: string,
  found: ReadonlyMap<string, string>,
  declared: MetricDefinition['labels'],
): void {
  for (const [label, value] of found) {
    if (OF_THE_FORMAT.has(label)) continue
    assert.ok(Object.hasOwn(declared, label), `${metric} has a label ${label}`)
    const values = declared[label]
    assert.ok(values === null || values?.includes(value), `${metric} ${label}="${value}"`)
  }
}
