import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ScoreBoard } from './score-board.ts'

fc.configureGlobal({ seed: 20261124 })

test('the best are those of a full sort, whatever was added in whatever order', () => {
  const additions = fc.array(fc.tuple(fc.nat(10_000), fc.integer({ min: 1, max: 50 })), { maxLength: 300 })
  const board = new ScoreBoard()
  fc.assert(
    fc.property(additions, fc.integer({ min: 1, max: 40 }), (added, count) => {
      board.clear()
      const sums = new Map<number, number>()
      for (const [seq, score] of added) {
        board.add(seq, score)
        sums.set(seq, (sums.get(seq) ?? 0) + score)
      }
      const sorted = [...sums].toSorted((left, right) => right[1] - left[1] || right[0] - left[0])
      assert.deepEqual(board.best(count), sorted.slice(0, count))
      assert.equal(board.size, sums.size)
    }),
  )
})
