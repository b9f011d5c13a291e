import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mulberry32, nearNormal } from '#gates/statistics/reference-series.ts'
import { growthOf, tQuantile } from './growth.ts'

const pointsOf = (slope: number, noise: number, seed = 1) => {
  const random = mulberry32(seed)
  return Array.from({ length: 8 }, (_, index) => ({
    requests: index * 1000,
    value: 5e6 + slope * index * 1000 + noise * nearNormal(random),
  }))
}

test('fewer than five points say nothing', () => {
  assert.throws(() => growthOf(pointsOf(0, 0).slice(0, 4)))
})

test('quantiles agree with the published table', () => {
  const rounded = [1, 3, 6, 30].map((degrees) => Number(tQuantile(0.95, degrees).toFixed(3)))
  assert.deepEqual(rounded, [6.314, 2.353, 1.943, 1.697])
})

test('a straight line has its slope as its bound', () => {
  const { perRequest, upper95 } = growthOf(pointsOf(100, 0))
  assert.ok(Math.abs(perRequest - 100) < 1e-6 && Math.abs(upper95 - 100) < 1e-3)
})

test('a planted leak of 150 bytes a request lies above the bound of 100 in noise of 50 kB', () => {
  const caught = Array.from({ length: 100 }, (_, seed) => growthOf(pointsOf(150, 50_000, seed)).upper95 > 100)
  assert.equal(caught.filter(Boolean).length, 100)
})

test('the bound holds the true slope 95 times of 100', () => {
  const held = Array.from({ length: 1000 }, (_, seed) => growthOf(pointsOf(10, 50_000, seed)).upper95 >= 10)
  const times = held.filter(Boolean).length
  assert.ok(times > 930 && times < 970, String(times))
})
