import assert from 'node:assert/strict'
import { test } from 'node:test'
import { latenessOf } from './stream-lateness.ts'

const PLAN = { frames: 4, everyMs: 20, toleranceMs: 20 }

test('a frame that never came is lost, one held back beyond the tolerance is late', () => {
  assert.deepEqual(latenessOf([[20, 40, 60]], PLAN), { lost: 1, late: 0 })
  assert.deepEqual(latenessOf([[20, 40, 81, 82]], PLAN), { lost: 0, late: 1 })
})

test('frames in their time, a little early or late, are none of both', () => {
  assert.deepEqual(
    latenessOf(
      [
        [20, 40, 60, 80],
        [25, 64, 66, 106],
      ],
      PLAN,
    ),
    { lost: 0, late: 0 },
  )
})
