import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RangeSeries } from '../engine/types.ts'
import { collectSoakMetrics, soakMetricsCsv } from './soak-metrics.ts'

const WINDOW = { gate: 'soak', start: 1000, end: 1185, planned_seconds: 180 }

/** Answers every query with these series and remembers what was asked. */
function answering(data: readonly RangeSeries[]) {
  const asked: { query: string; start: number; end: number; step: number }[] = []
  const range = (query: string, window: { start: number; end: number; step: number }) => {
    asked.push({ query, ...window })
    return Promise.resolve({ kind: 'range', query, ...window, data, fault: null } as const)
  }
  return { asked, client: { range, instant: () => Promise.reject(new Error('not asked')) } }
}

test('every whole minute of the window is asked for, up to its end', async () => {
  const { asked, client } = answering([])
  await collectSoakMetrics(client, WINDOW)
  for (const { start, end, step } of asked) assert.deepEqual([start, end, step], [1065, 1185, 60])
})

test('everything that the seed lists is collected', async () => {
  const { asked, client } = answering([])
  await collectSoakMetrics(client, WINDOW)
  const queries = asked.map(({ query }) => query).join('\n')
  for (const part of [
    '0.50',
    '0.95',
    '0.99',
    'outcome!="ok"',
    'restarts',
    'resident_memory',
    'sessions_active',
    'db_query',
  ]) {
    assert.ok(queries.includes(part), part)
  }
})

test('a minute without a number has no row', async () => {
  const { client } = answering([
    {
      labels: { service: 'a' },
      values: [
        [1065, 'NaN'],
        [1125, '0.5'],
      ],
    },
  ])
  const rows = await collectSoakMetrics(client, WINDOW)
  assert.ok(rows.every(({ time, value }) => time === 1125 && value === 0.5))
})

test('a name with a comma stays one field', () => {
  const csv = soakMetricsCsv([{ time: 60, metric: 'm', series: 'a,"b"', value: 1 }])
  assert.equal(csv, 'time,metric,series,value\n1970-01-01T00:01:00Z,m,"a,""b""",1\n')
})
