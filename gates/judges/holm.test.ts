import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { holmRejections } from './holm.ts'

fc.configureGlobal({ seed: 20261124 })

test('one suspicion among many must be that much stronger', () => {
  assert.deepEqual(holmRejections([0.9], 1), [true])
  assert.deepEqual(holmRejections([0.9], 30), [false])
  assert.deepEqual(holmRejections([0.03], 30), [true])
})

test('what was rejected makes room for the next, and the first that holds stops the rest', () => {
  assert.deepEqual(holmRejections([0.5, 0.01, 0.4], 3), [true, true, true])
  assert.deepEqual(holmRejections([0.6, 0.01, 0.7], 3), [false, true, false])
})

test('never more than without correction, never fewer than with all of it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 20 }),
      fc.nat(20),
      (surprises, extra) => {
        const count = surprises.length + extra
        for (const [index, isRejected] of holmRejections(surprises, count).entries()) {
          const surprise = surprises[index] ?? 0
          if (isRejected) assert.ok(surprise <= 1)
          if (surprise <= 1 / count) assert.ok(isRejected)
        }
      },
    ),
  )
})
