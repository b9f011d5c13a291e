import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { composeCriterion, composeVerdict, worstSeries } from './compose-verdict.ts'
import { REASON_CODES, type SeriesResult, VERDICTS } from './types.ts'

fc.configureGlobal({ seed: 20261124 })

const verdicts = fc.array(fc.constantFrom(...VERDICTS), { maxLength: 10 })
const NO_GUARDS = { blockingAll: [], blockingPass: [] } as const

function seriesOf(verdict: SeriesResult['verdict'], value = 0): SeriesResult {
  const reasons = verdict === 'INCONCLUSIVE' ? (['NO_SERIES'] as const) : []
  return { series: '', verdict, reasons, value, bound: null, resolution: null, samples: 1 }
}

test('a gate with nothing judged is inconclusive', () => assert.equal(composeVerdict([]), 'INCONCLUSIVE'))

test('one FAIL fails, else one INCONCLUSIVE makes it so, else PASS: whatever the order', () => {
  fc.assert(
    fc.property(verdicts, (list) => {
      const result = composeVerdict(list)
      if (list.includes('FAIL')) return result === 'FAIL'
      return result === (list.length > 0 && list.every((one) => one === 'PASS') ? 'PASS' : 'INCONCLUSIVE')
    }),
  )
})

test('no guard that broke lets a criterion pass', () => {
  const reasons = fc.subarray([...REASON_CODES], { minLength: 1 })
  fc.assert(
    fc.property(verdicts, reasons, fc.boolean(), (list, broken, isAll) => {
      const guards = isAll ? { ...NO_GUARDS, blockingAll: broken } : { ...NO_GUARDS, blockingPass: broken }
      return (
        composeCriterion(
          list.map((one) => seriesOf(one)),
          guards,
        ).verdict !== 'PASS'
      )
    }),
  )
})

test('a violation that was seen survives a guard that withholds PASS, not one that makes the data unsound', () => {
  const failed = [seriesOf('FAIL')]
  assert.equal(composeCriterion(failed, { ...NO_GUARDS, blockingPass: ['GAP'] }).verdict, 'FAIL')
  assert.equal(composeCriterion(failed, { ...NO_GUARDS, blockingAll: ['GAP'] }).verdict, 'INCONCLUSIVE')
})

test('the worst series is a failed one, then an undecided one, then the highest where high is bad', () => {
  assert.equal(worstSeries([seriesOf('PASS', 9), seriesOf('FAIL', 1)], true)?.verdict, 'FAIL')
  assert.equal(worstSeries([seriesOf('PASS', 9), seriesOf('INCONCLUSIVE', 1)], true)?.verdict, 'INCONCLUSIVE')
  assert.equal(worstSeries([seriesOf('PASS', 1), seriesOf('PASS', 9)], true)?.value, 9)
  assert.equal(worstSeries([seriesOf('PASS', 9), seriesOf('PASS', 1)], false)?.value, 1)
})
