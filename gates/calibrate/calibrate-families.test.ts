import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '../engine/types.ts'
import { calibrateFamilies, ratesOf } from './calibrate-families.ts'
import { clopperPearson } from './clopper-pearson.ts'
import { FAMILIES } from './histories/families.ts'
import { historyOf } from './judge-history.ts'

const familyNamed = (id: string) => {
  const family = FAMILIES.find((one) => one.id === id)
  if (family === undefined) throw new Error(`there is no family ${id}`)
  return family
}

test('exact intervals agree with published values', () => {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const near = (actual: readonly number[], expected: readonly number[]) =>
    assert.ok(
      actual.every((value, index) => Math.abs(value - (expected[index] ?? 9)) < 5e-5),
      actual.join(' '),
    )
  near(clopperPearson(81, 263), [0.2527, 0.3676])
  near(clopperPearson(15, 148), [0.0578, 0.1617])
  near(clopperPearson(0, 20), [0, 0.1684])
  near(clopperPearson(1, 29), [0.0009, 0.1776])
})

test('the library has at least twelve healthy and twelve defect families, each under a name of its own', () => {
  const count = (kind: string) => FAMILIES.filter((family) => family.kind === kind).length
  assert.ok(count('healthy') >= 12)
  assert.ok(count('defect') >= 12)
  assert.equal(new Set(FAMILIES.map(({ id }) => id)).size, FAMILIES.length)
})

test('the same seed gives the same history, another seed or index another', () => {
  for (const family of FAMILIES) {
    assert.deepEqual(historyOf(family, 7, 3), historyOf(family, 7, 3))
    assert.notDeepEqual(historyOf(family, 7, 3), historyOf(family, 8, 3))
    assert.notDeepEqual(historyOf(family, 7, 3), historyOf(family, 7, 4))
  }
})

test('one pass where none is allowed refutes, and so does a share that is certainly too small', () => {
  const leak = familyNamed('leak-2-short')
  const some = (count: number, verdict: Verdict) =>
    Array.from({ length: count }, () => ({ verdict, surprise: null }))
  const fails = (count: number) => some(count, 'FAIL')
  assert.deepEqual(ratesOf(leak, fails(300)).refuted, [])
  assert.deepEqual(ratesOf(leak, [...fails(299), ...some(1, 'PASS')]).refuted, ['PASS at most 0'])
  assert.deepEqual(ratesOf(leak, [...fails(280), ...some(20, 'INCONCLUSIVE')]).refuted, [
    'FAIL at least 0.98',
  ])
})

test('a few histories of every family: no demand is refuted, however many workers judge them', async () => {
  const plans = FAMILIES.map((family) => ({ family, histories: 4 }))
  const rates = await calibrateFamilies({ plans, seed: 20261124, workers: 2 })
  assert.deepEqual(
    rates.filter(({ refuted }) => refuted.length > 0).map(({ family, refuted }) => [family, refuted]),
    [],
  )
  const some = await calibrateFamilies({ plans: plans.slice(0, 2), seed: 20261124, workers: 1 })
  assert.deepEqual(some, rates.slice(0, 2))
})
