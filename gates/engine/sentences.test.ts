import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAmount } from './format-amount.ts'
import { notJudgedSentence, sentenceOf } from './sentences.ts'
import type { SeriesResult } from './types.ts'

const BASE = {
  id: 'soak.x',
  gate: 'soak',
  title: 'Resident memory',
  why: '',
  judge: 'growth-bound',
  reasons: [],
  value: 0.1 * 1024 * 1024,
  bound: 0.62 * 1024 * 1024,
  limit: 1024 * 1024,
  unit: 'bytes/h',
  resolution: 0.37 * 1024 * 1024,
  samples: 2880,
  series: [],
  queries: [],
} as const
const GROWTH = {
  kind: 'growth-bound',
  limit: 1024 * 1024,
  windowSeconds: 172_800,
  mayBeConstant: false,
} as const

function series(name: string, verdict: SeriesResult['verdict']): SeriesResult {
  return { series: name, verdict, reasons: [], value: 1, bound: null, resolution: null, samples: 1 }
}

test('a passed growth says its bound, its limit and what could have been seen', () => {
  assert.equal(
    sentenceOf({ ...BASE, verdict: 'PASS' }, GROWTH, []),
    'Resident memory: grows by less than 0.62 MiB/h (95 %), limit 1 MiB/h; this run could have seen 0.37 MiB/h.',
  )
})

test('a failed criterion names who failed', () => {
  const failed = {
    ...BASE,
    unit: 'count',
    value: 1,
    limit: 0,
    verdict: 'FAIL',
    series: [series('a', 'PASS'), series('b', 'FAIL')],
  } as const
  const judge = { kind: 'scalar', comparison: 'at_most', limit: 0 } as const
  assert.equal(sentenceOf(failed, judge, []), 'Resident memory: 1, at most 0 asked (b).')
})

test('an undecided criterion says why, in words and by its code, and what was not met', () => {
  const guard = {
    name: 'g',
    promql: '',
    reason: 'COVERAGE',
    says: 'every service was scraped',
    blocks: 'all',
  } as const
  const sentence = sentenceOf({ ...BASE, verdict: 'INCONCLUSIVE', reasons: ['COVERAGE'] }, GROWTH, [guard])
  assert.equal(
    sentence,
    'Resident memory: cannot be judged: too many scrapes are missing or failed (COVERAGE); not met: every service was scraped.',
  )
})

test('what is not judged says what it needs and what there is', () => {
  const entry = { id: 'x', gate: 'soak', title: 'Memory', needs_seconds: 129_600, planned_seconds: 45 }
  assert.equal(
    notJudgedSentence(entry),
    'Memory: not judged, needs a window of at least 36 h; this profile has 45 s.',
  )
})

test('amounts keep three digits and their unit', () => {
  assert.equal(formatAmount(0.00384, 'ratio'), '0.384 %')
  assert.equal(formatAmount(0.0123456, 'seconds'), '12.3 ms')
  assert.equal(formatAmount(0, 'seconds'), '0 s')
  assert.equal(formatAmount(1234.5, 'count'), '1235')
  assert.equal(formatAmount(-0.001, 'seconds'), '-1 ms')
})
