import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subqueryPoints } from './subquery-points.ts'

const YEAR_OF_MILLISECONDS = 52 * 604_800 * 1000

for (const [query, points] of [
  ['count_over_time((vector(1))[52w:1ms])', YEAR_OF_MILLISECONDS],
  ['count_over_time( vector(1) [ 52w : 1ms ])', YEAR_OF_MILLISECONDS],
  ['max_over_time(up[172800:15])', 11_520],
  ['max_over_time(up[1h30m:])', 90],
  ['rate(up[48h])', 0],
  ['up{job="[52w:1ms]"}', 0],
  ["up{job='[52w:1ms]'} # [52w:1ms]", 0],
  ['max_over_time((sum_over_time(up[45]) > 0)[3600:15])', 240],
  // Each of 1,000 points looks at 1,000 others.
  ['max_over_time(sum_over_time(up[1000:1])[1000:1])', 1_000_000],
  ['max_over_time((max_over_time(sum_over_time(up[1000:1])[1000:1]))[1000s:1s])', 1_000_000_000],
  ['sum(max_over_time(up[10:1])) + sum(max_over_time(up[100:1]))', 100],
  ['max_over_time(up[52w * 1000:1ms])', Number.POSITIVE_INFINITY],
  ['max_over_time(up[1h:0s])', Number.POSITIVE_INFINITY],
] as const) {
  test(`the largest subquery of ${query} makes ${points} points`, () => {
    assert.ok(Math.abs(subqueryPoints(query, 0) - points) < 1e-3 || subqueryPoints(query, 0) === points)
  })
}

test('a range query makes the points of its window too', () => {
  assert.equal(subqueryPoints('max_over_time(up[1h:1m])', 3600), 120)
})
