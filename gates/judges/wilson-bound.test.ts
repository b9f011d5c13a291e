import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalQuantile } from './normal-quantile.ts'
import { wilsonUpperBound } from './wilson-bound.ts'

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`)
}

test('quantiles of the normal distribution agree with published tables', () => {
  near(normalQuantile(0.5), 0, 1e-9)
  near(normalQuantile(0.95), 1.6448536269514722, 1e-8)
  near(normalQuantile(0.975), 1.959963984540054, 1e-8)
  near(normalQuantile(0.99), 2.3263478740408408, 1e-8)
  near(normalQuantile(0.01), -2.3263478740408408, 1e-8)
})

test('a probability outside (0, 1) is refused', () => {
  for (const p of [0, 1, -1, 2, Number.NaN]) assert.throws(() => normalQuantile(p))
})

test('without errors the bound is z^2 / (n + z^2)', () => {
  const z2 = 1.6448536269514722 ** 2
  near(wilsonUpperBound(0, 100, 0.95), z2 / (100 + z2), 1e-9)
})

test('Wilson bounds agree with the score equation they solve', () => {
  for (const [errors, total] of [
    [1, 10],
    [5, 1000],
    [863, 172_800],
    [10, 10],
  ] as const) {
    const bound = wilsonUpperBound(errors, total, 0.95)
    if (bound === 1) continue
    const z = (bound - errors / total) / Math.sqrt((bound * (1 - bound)) / total)
    near(z, 1.6448536269514722, 1e-7)
  }
})

test('nothing observed bounds nothing', () => {
  assert.equal(wilsonUpperBound(0, 0, 0.95), 1)
})
