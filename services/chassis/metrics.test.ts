import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLabelGuard } from './label-guard.ts'
import { geometricBuckets, REQUEST_BUCKETS } from './metric-definition.ts'
import { METRICS } from './metric-registry.ts'
import { closedLabelSets, createMetrics, definitionOf } from './metrics.ts'
import { SERVICE_NAMES } from '#catalog'

fc.configureGlobal({ seed: 20261124 })

test('a metric that the registry does not give a service throws', () => {
  const metrics = createMetrics('pipecat')
  assert.throws(() => metrics.counter('sonia_memory_searches_total'), /not declared for pipecat/)
  metrics.close()
})

test('names, types and units follow the conventions', () => {
  for (const { name, type, unit, help } of METRICS.map((metric) => definitionOf(metric.name))) {
    assert.match(name, /^sonia_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    if (unit === 'seconds') assert.match(name, /_seconds$/)
    if (type === 'histogram') assert.ok((definitionOf(name).buckets?.length ?? 0) > 0, name)
    assert.ok(help.length > 10, name)
  }
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length)
})

test('counters with closed labels are there at 0 before anything happened', async () => {
  for (const service of SERVICE_NAMES) {
    const metrics = createMetrics(service)
    const text = await metrics.exposition()
    for (const definition of METRICS.map((metric) => definitionOf(metric.name))) {
      if (definition.type !== 'counter' || !definition.services.includes(service)) continue
      for (const labels of closedLabelSets(definition)) {
        const set = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
        const line = set.length === 0 ? `${definition.name} 0` : `${definition.name}{${set.join(',')}} 0`
        assert.ok(text.includes(`\n${line}\n`), `${service}: ${line}`)
      }
    }
    metrics.close()
  }
})

test('a value outside a closed list is counted as other, through inc and through labels', async () => {
  const metrics = createMetrics('memory-engine')
  const searches = metrics.counter('sonia_memory_searches_total')
  searches.inc({ mode: 'lexical' })
  searches.inc({ mode: 'user supplied"\n' })
  searches.labels({ mode: 'another' }).inc()
  const text = await metrics.exposition()
  assert.match(text, /searches_total\{mode="lexical"\} 1\n/)
  assert.match(text, /searches_total\{mode="other"\} 2\n/)
  assert.doesNotMatch(text, /user supplied|another/)
  metrics.close()
})

test('an open label takes a bounded number of values', async () => {
  const metrics = createMetrics('model-router')
  const requests = metrics.histogram('sonia_model_first_token_seconds')
  for (let index = 0; index < 1000; index += 1) requests.observe({ provider: 'p', model: `m${index}` }, 0.1)
  const text = await metrics.exposition()
  assert.equal(text.match(/^sonia_model_first_token_seconds_count\{/gm)?.length, 101)
  assert.match(text, /_count\{provider="p",model="other"\} 900\n/)
  metrics.close()
})

test('no labels, however hostile, make a guarded set throw or grow', () => {
  const guard = createLabelGuard(definitionOf('sonia_policy_decisions_total'))
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (labels) => {
      const guarded = guard(labels)
      return Object.keys(guarded).join() === 'decision,tier' && guarded['decision'] === 'other'
    }),
  )
})

test('request buckets are 60 growing bounds from 1 ms to 60 s with the thresholds exactly on an edge', () => {
  assert.equal(REQUEST_BUCKETS.length, 60)
  assert.equal(REQUEST_BUCKETS[0], 0.001)
  assert.equal(REQUEST_BUCKETS.at(-1), 60)
  for (const edge of [0.5, 2, 5]) assert.ok(REQUEST_BUCKETS.includes(edge))
  REQUEST_BUCKETS.reduce((below, bound) => {
    assert.ok(bound > below)
    assert.ok(below === 0 || bound / below < 1.35)
    return bound
  }, 0)
  assert.deepEqual(geometricBuckets(1, 8, 4, []), [1, 2, 4, 8])
})
