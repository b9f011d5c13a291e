import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ratesOf } from './calibrate-families.ts'
import { FAMILIES } from './histories/families.ts'
import type { JudgedHistory } from './judge-history.ts'
import { wholeGateRates } from './whole-gate.ts'

const PASSED: JudgedHistory = { verdict: 'PASS', surprise: null }
const UNDECIDED: JudgedHistory = { verdict: 'INCONCLUSIVE', surprise: null }
const failed = (surprise: number): JudgedHistory => ({ verdict: 'FAIL', surprise })

function rated(id: string, judged: readonly JudgedHistory[]) {
  const family = FAMILIES.find((one) => one.id === id)
  if (family === undefined) throw new Error(`there is no family ${id}`)
  return ratesOf(family, judged)
}

const sound = (count: number) => Array<JudgedHistory>(count).fill(PASSED)
const gateOf = (made: string, ...rates: Parameters<typeof wholeGateRates>[0]) =>
  wholeGateRates(rates).find((one) => one.made === made)

test('one certain leak among thirty series fails the gate, one doubtful failure does not', () => {
  const made = '29 x short, one leak-2-short'
  const leaks = (surprise: number) => rated('leak-2-short', [failed(surprise)])
  assert.equal(gateOf(made, rated('short', sound(29)), leaks(1 / 40))?.fail.count, 1)
  assert.equal(gateOf(made, rated('short', sound(29)), leaks(1 / 20))?.inconclusive.count, 1)
})

test('one undecided series of thirty keeps the gate from passing', () => {
  const made = '30 x short'
  assert.equal(gateOf(made, rated('short', sound(30)))?.pass.count, 1)
  assert.equal(gateOf(made, rated('short', [...sound(29), UNDECIDED]))?.inconclusive.count, 1)
})

test('fewer histories than a gate has series make no gate', () => {
  assert.deepEqual(wholeGateRates([rated('short', sound(29))]), [])
})
