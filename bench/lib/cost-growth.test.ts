import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mulberry32, nearNormal } from '#gates/statistics/reference-series.ts'
import { growthName, growthOfCosts, powerOf } from './cost-growth.ts'

const SIZES = [1000, 3162, 10_000]
const ROUNDS = 9

function grown(law: (size: number) => number, noise: number, seed = 1) {
  const random = mulberry32(seed)
  const plan = { title: 'search', size: 'memories', unit: 'ms', random: mulberry32(seed + 1) }
  const at = new Map(
    SIZES.map((size) => [
      size,
      Array.from({ length: ROUNDS }, () => law(size) * (1 + noise * nearNormal(random))),
    ]),
  )
  const { measures, curve } = growthOfCosts(plan, [{ name: 'x', at }])
  const [slope, last] = measures.slice(-2)
  assert.ok(slope && last)
  return { slope, last, measures, curve }
}

test('two sizes say nothing of growth', () => {
  const at = new Map(SIZES.slice(0, 2).map((size) => [size, [1, 1]]))
  assert.throws(() =>
    growthOfCosts({ title: 't', size: 's', unit: 'ms', random: mulberry32(1) }, [{ name: 'x', at }]),
  )
})

test('powers without noise are found exactly', () => {
  for (const power of [0, 0.5, 1, 2]) {
    const found = powerOf(SIZES.map((size) => ({ size, cost: 3 * size ** power })))
    assert.ok(Math.abs(found - power) < 1e-9, String(found))
  }
})

test('planted growth under noise of 5 % has its name, and its power in the interval', () => {
  const cases = [
    ['constant', 0],
    ['between constant and linear', 0.5],
    ['linear', 1],
    ['above linear', 2],
  ] as const
  for (const [name, power] of cases) {
    const { slope } = grown((size) => size ** power / 50, 0.05)
    assert.equal(slope.name, `search, x: ${name}`)
    assert.ok(slope.interval.low < power + 0.05 && slope.interval.high > power - 0.05)
  }
})

test('a fixed part hides a linear one at small sizes less in the last step', () => {
  const { slope, last } = grown((size) => 5 + size / 1000, 0)
  assert.ok(last.interval.value > slope.interval.value)
})

test('an interval that two names could claim gets neither', () => {
  assert.equal(growthName({ value: 1, low: 0.1, high: 1.9 }), 'not told apart')
  assert.equal(growthName({ value: 0.1, low: -0.1, high: 0.5 }), 'below linear')
  assert.equal(growthName({ value: Number.NaN, low: Number.NaN, high: Number.NaN }), 'not told')
})

test('each size is a point of the curve, with its interval', () => {
  const { curve, measures } = grown((size) => size, 0.05)
  assert.deepEqual(
    curve.lines[0]?.points.map(({ size }) => size),
    SIZES,
  )
  assert.equal(measures.length, SIZES.length + 2)
})
