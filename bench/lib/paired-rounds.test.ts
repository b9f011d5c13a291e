import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { bootstrapRounds, interleave, medianOf, quantile } from './paired-rounds.ts'

test('every arm runs once a round, and none is always first', async () => {
  const order: string[] = []
  const arms = ['a', 'b', 'c'].map((name) => ({
    name,
    run: () => {
      order.push(name)
      return Promise.resolve(order.length)
    },
  }))
  const results = await interleave(arms, 3)
  assert.equal(order.join(''), 'abcbcacab')
  assert.deepEqual(results.get('a'), [1, 6, 8])
})

test('quantiles of known values', () => {
  assert.equal(medianOf([3, 1, 2]), 2)
  assert.equal(medianOf([4, 1, 2, 3]), 2.5)
  assert.equal(quantile([0, 10], 0.95), 9.5)
  assert.throws(() => quantile([], 0.5))
})

test('the interval of equal rounds is a point, and that of unequal ones holds the value', () => {
  const equal = bootstrapRounds(5, () => 2, mulberry32(1))
  assert.deepEqual(equal, { value: 2, low: 2, high: 2 })
  const values = [1, 2, 3, 4, 10]
  const mean = (chosen: readonly number[]) =>
    chosen.reduce((sum, index) => sum + (values[index] ?? 0), 0) / chosen.length
  const { value, low, high } = bootstrapRounds(5, mean, mulberry32(1))
  assert.equal(value, 4)
  assert.ok(low < 4 && high > 4 && low >= 1 && high <= 10)
})

test('about 95 of 100 intervals of a mean hold the true mean', () => {
  const random = mulberry32(7)
  const held = Array.from({ length: 200 }, () => {
    const values = Array.from({ length: 30 }, () => random())
    const mean = (chosen: readonly number[]) =>
      chosen.reduce((sum, index) => sum + (values[index] ?? 0), 0) / chosen.length
    const { low, high } = bootstrapRounds(values.length, mean, random)
    return low <= 0.5 && 0.5 <= high
  }).filter(Boolean).length
  assert.ok(held > 175 && held <= 200, String(held))
})
