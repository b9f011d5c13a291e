import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERROR_CODES } from '#chassis/errors.ts'
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

test('errors are split as the seed does, and every code of ours belongs to one kind', async () => {
  const { asked, client } = answering([])
  await collectSoakMetrics(client, WINDOW)
  const kinds = asked.map(({ query }) => query).filter((query) => query.includes('outcome="error",code=~'))
  const codes = kinds.flatMap((query) => /code=~"([^"]*)"/.exec(query)?.[1]?.split('|') ?? [])
  // Degraded answers are answers; a timeout is a kind of its own.
  const expected = Object.keys(ERROR_CODES).filter((code) => code !== 'TIMEOUT' && code !== 'DEGRADED')
  assert.deepEqual(codes.toSorted(), expected.toSorted())
  assert.match(kinds[0] ?? '', /INTERNAL_ERROR\|UNAVAILABLE/)
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
