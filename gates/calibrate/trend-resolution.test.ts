import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MIB } from './judge-history.ts'
import { trendResolutions } from './trend-resolution.ts'

test('a longer run sees smaller leaks: 48 h below 1 MiB/h, 96 h below 48 h', () => {
  const [day, two, four] = trendResolutions([24, 48, 96], ['short'], 9)
  assert.ok(day !== undefined && two !== undefined && four !== undefined)
  assert.ok(day.resolution > two.resolution && two.resolution > four.resolution)
  assert.ok(two.resolution > 0.2 * MIB && two.resolution < 0.5 * MIB, String(two.resolution / MIB))
})
