import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expendableCopies, safetyName } from './safety-copies.ts'

const HOUR_MS = 3_600_000
const NOW = Date.UTC(2026, 0, 2)
const copyAt = (ms: number) => safetyName('20260101T000000Z-01020304', ms).replace(/^.*\//, '')

test('three copies of before a restore stay whatever their age, and all of the last week', () => {
  const days = [0, 1, 2, 3, 6, 7, 8, 30]
  const gone = expendableCopies(
    days.map((day) => copyAt(NOW - day * 24 * HOUR_MS)),
    NOW,
  )
  assert.deepEqual(
    gone,
    [8, 30].map((day) => copyAt(NOW - day * 24 * HOUR_MS)),
  )
  const old = [0, 100, 200, 300].map((day) => copyAt(NOW - day * 24 * HOUR_MS))
  assert.deepEqual(expendableCopies(old, NOW), [copyAt(NOW - 300 * 24 * HOUR_MS)])
})

test('the newest copy never goes, whatever the clock does', () => {
  const steps = fc.array(fc.integer({ min: -10_000, max: 10_000 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(steps, (hours) => {
      let at = NOW
      let there: readonly string[] = []
      for (const step of hours) {
        at = Math.max(0, at + step * HOUR_MS)
        there = [...there, copyAt(at)]
        const gone = expendableCopies(there, at)
        assert.ok(!gone.includes(copyAt(at)))
        there = there.filter((name) => !gone.includes(name))
      }
    }),
    { seed: 20261125, numRuns: 200 },
  )
})

test('what somebody else put beside the copies stays', () => {
  const old = [1, 2, 3, 4].map((day) => copyAt(day))
  assert.deepEqual(expendableCopies(['notes.txt', 'mine', ...old], NOW), [copyAt(1)])
})
