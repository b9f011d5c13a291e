import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RangeAnswer, RangeSeries } from '../engine/types.ts'
import { judgeTrend, type TrendLimit } from './judge-trend.ts'

const HOURS = 48
const MIB = 1024 * 1024
const MEMORY: TrendLimit = {
  kind: 'growth-bound',
  limit: MIB,
  windowSeconds: HOURS * 3600,
  mayBeConstant: false,
}
const LATENCY: TrendLimit = { ...MEMORY, kind: 'drift-bound', limit: 0.1 }
const AB = { label: 'service', values: ['a', 'b'] }

/** A bounded, repeatable wobble: no random numbers, so the same series every time. */
function wobble(minute: number): number {
  return Math.sin(minute * 12.9898) + 0.5 * Math.sin(minute * 78.233 + 1)
}

function memory(service: string, mibPerHour: number, stepMinutes = 1): RangeSeries {
  const minutes = Array.from({ length: (HOURS * 60) / stepMinutes }, (_, index) => (index + 1) * stepMinutes)
  const bytes = (minute: number) => (200 + 6 * (1 + wobble(minute)) + (mibPerHour * minute) / 60) * MIB
  return {
    labels: { service },
    values: minutes.map((minute) => [minute * 60, String(Math.round(bytes(minute)))]),
  }
}

function answerOf(...data: readonly RangeSeries[]): RangeAnswer {
  return { kind: 'range', query: '', fault: null, start: 0, end: HOURS * 3600, step: 60, data }
}

function verdicts(...data: readonly RangeSeries[]) {
  return judgeTrend(MEMORY, answerOf(...data), AB).series.map(({ series, verdict, reasons }) => [
    series,
    verdict,
    ...reasons,
  ])
}

test('a leak of 5 MiB/h fails, and names the service that leaks', () => {
  assert.deepEqual(verdicts(memory('a', 0), memory('b', 5)), [
    ['a', 'PASS'],
    ['b', 'FAIL'],
  ])
})

test('a service without a series is not passed over', () => {
  assert.deepEqual(verdicts(memory('a', 0))[1], ['b', 'INCONCLUSIVE', 'NO_SERIES'])
})

test('a second process of a service does not hide behind the first', () => {
  assert.deepEqual(verdicts(memory('a', 0), memory('b', 0), memory('b', 0))[1], [
    'b',
    'INCONCLUSIVE',
    'MULTI_SERIES',
  ])
})

test('a series that never changes is a dead sensor', () => {
  const dead = {
    labels: { service: 'b' },
    values: memory('b', 0).values.map(([time]) => [time, '1'] as const),
  }
  assert.deepEqual(verdicts(memory('a', 0), dead)[1], ['b', 'INCONCLUSIVE', 'FROZEN'])
})

test('a count of handles may stay the same for two days', () => {
  const still = {
    labels: { service: 'a' },
    values: memory('a', 0).values.map(([time]) => [time, '17'] as const),
  }
  const spec = { ...MEMORY, limit: 1, mayBeConstant: true }
  const [result] = judgeTrend(spec, answerOf(still), { label: 'service', values: ['a'] }).series
  assert.equal(result?.verdict, 'PASS')
})

test('half of the scrapes missing for ten hours is no coverage', () => {
  const holed = {
    labels: { service: 'b' },
    values: memory('b', 0).values.filter(([time]) => time < 72_000 || time > 108_000),
  }
  assert.deepEqual(verdicts(memory('a', 0), holed)[1], ['b', 'INCONCLUSIVE', 'COVERAGE'])
})

test('NaN and infinities are not fitted', () => {
  for (const text of ['NaN', '+Inf']) {
    const values = memory('b', 0).values.map(
      ([time, value], index) => [time, index === 900 ? text : value] as const,
    )
    assert.deepEqual(verdicts(memory('a', 0), { labels: { service: 'b' }, values })[1], [
      'b',
      'INCONCLUSIVE',
      'NAN',
    ])
  }
})

test('growth that settles late is not called stable', () => {
  const settling = memory('b', 0).values.map(([time, value]) => {
    const hours = time / 3600
    return [time, String(Number(value) + 80 * MIB * (1 - Math.exp(-hours / 12)))] as const
  })
  const [, result] = verdicts(memory('a', 0), { labels: { service: 'b' }, values: settling })
  assert.notEqual(result?.[1], 'PASS')
})

function p95(drift: number): RangeSeries {
  const hours = Array.from({ length: HOURS }, (_, index) => index + 1)
  const seconds = (hour: number) => 0.12 * Math.exp(0.01 * wobble(hour) + (Math.log1p(drift) * hour) / HOURS)
  return { labels: { service: 'a' }, values: hours.map((hour) => [hour * 3600, String(seconds(hour))]) }
}

test('a p95 that drifts by 40 % fails, a steady one passes with a bound below 10 %', () => {
  const judge = (drift: number) =>
    judgeTrend(LATENCY, answerOf(p95(drift)), { label: 'service', values: ['a'] }).series[0]
  assert.equal(judge(0.4)?.verdict, 'FAIL')
  assert.equal(judge(0)?.verdict, 'PASS')
  assert.ok((judge(0)?.bound ?? 1) < 0.1)
})
