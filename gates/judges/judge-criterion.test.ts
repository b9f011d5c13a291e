import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANSWER_FAULTS, type ReasonCode, type StoredAnswer } from '../engine/types.ts'
import { answerOf, single } from './answers-for-test.ts'
import { judgeCriterion, type ResolvedJudge } from './judge-criterion.ts'
import { guardReasons } from './judge-guard.ts'
import type { ExpectedSeries } from './read-samples.ts'

fc.configureGlobal({ seed: 20261124 })

const JUDGES: readonly { judge: ResolvedJudge; roles: readonly string[] }[] = [
  { judge: { kind: 'scalar', comparison: 'at_most', limit: 5 }, roles: ['value'] },
  { judge: { kind: 'scalar', comparison: 'below', limit: 5 }, roles: ['value'] },
  { judge: { kind: 'scalar', comparison: 'at_least', limit: -5 }, roles: ['value'] },
  { judge: { kind: 'scalar', comparison: 'above', limit: -5 }, roles: ['value'] },
  { judge: { kind: 'count', of: 5 }, roles: ['value'] },
  { judge: { kind: 'ratio-bound', limit: 0.5, confidence: 0.95 }, roles: ['errors', 'total'] },
  { judge: { kind: 'ledger' }, roles: ['left', 'right'] },
  {
    judge: { kind: 'growth-bound', limit: 1, windowSeconds: 172_800, mayBeConstant: false },
    roles: ['series'],
  },
  {
    judge: { kind: 'drift-bound', limit: 0.1, windowSeconds: 172_800, mayBeConstant: false },
    roles: ['series'],
  },
]
const INSTANT_JUDGES = JUDGES.filter(({ roles }) => !roles.includes('series'))

function judge(
  which: (typeof JUDGES)[number],
  answer: StoredAnswer | undefined,
  expected: ExpectedSeries = null,
) {
  const answers = new Map(
    which.roles.flatMap((role) => (answer === undefined ? [] : [[role, answer] as const])),
  )
  return judgeCriterion(which.judge, answers, expected).series
}

const FAIL_OPEN: readonly [string, StoredAnswer | undefined, ReasonCode][] = [
  ['no answer at all', undefined, 'EVALUATION_ERROR'],
  ['an empty vector', answerOf([]), 'NO_SERIES'],
  ['NaN', single('NaN'), 'NAN'],
  ['plus infinity', single('+Inf'), 'NAN'],
  ['minus infinity', single('-Inf'), 'NAN'],
  ['an empty text', single(''), 'NAN'],
  ['text that is no number', single('12 apples'), 'NAN'],
  [
    'two series where one is meant',
    answerOf([
      [{ pid: '1' }, '0'],
      [{ pid: '2' }, '0'],
    ]),
    'MULTI_SERIES',
  ],
  [
    'a range where an instant is meant',
    { kind: 'range', query: '', fault: null, start: 0, end: 1, step: 1, data: [] },
    'EVALUATION_ERROR',
  ],
]

for (const which of INSTANT_JUDGES) {
  for (const [what, answer, reason] of FAIL_OPEN) {
    test(`${which.judge.kind} does not pass on ${what}: ${reason}`, () => {
      for (const result of judge(which, answer)) {
        assert.equal(result.verdict, 'INCONCLUSIVE')
        assert.deepEqual(result.reasons, [reason])
      }
    })
  }
}

for (const which of JUDGES) {
  for (const kind of ANSWER_FAULTS) {
    test(`${which.judge.kind} does not pass on an answer that looks whole but is ${kind}`, () => {
      const answer = answerOf([[{}, '0']], { kind, message: 'planted' })
      for (const result of judge(which, answer)) {
        assert.equal(result.verdict, 'INCONCLUSIVE')
        assert.deepEqual(result.reasons, ['EVALUATION_ERROR'])
      }
    })
  }
  test(`${which.judge.kind} always says something of at least one series`, () => {
    assert.ok(judge(which, answerOf([])).length > 0)
    const isTrend = which.roles.includes('series')
    assert.ok(
      judge(which, answerOf([]), { label: 'service', values: ['a', 'b'] }).length >= (isTrend ? 1 : 2),
    )
  })
}

const AB: ExpectedSeries = { label: 'service', values: ['a', 'b'] }
const scalar = { judge: { kind: 'scalar', comparison: 'at_most', limit: 0 } as const, roles: ['value'] }

test('a service that is missing from the answer is not passed over', () => {
  const results = judge(scalar, answerOf([[{ service: 'a' }, '0']]), AB)
  assert.deepEqual(
    results.map(({ series, verdict, reasons }) => [series, verdict, ...reasons]),
    [
      ['a', 'PASS'],
      ['b', 'INCONCLUSIVE', 'NO_SERIES'],
    ],
  )
})

test('a service that nobody expected is not ignored', () => {
  const samples = ['a', 'b', 'c'].map((service) => [{ service }, '0'] as const)
  const results = judge(scalar, answerOf(samples), AB)
  assert.deepEqual(results.at(-1)?.reasons, ['MULTI_SERIES'])
})

test('a violation that was seen stays a violation beside a missing series', () => {
  const results = judge(scalar, answerOf([[{ service: 'a' }, '1']]), AB)
  assert.equal(results[0]?.verdict, 'FAIL')
})

test('a second process under the same service name does not hide behind the first', () => {
  const samples = [
    [{ service: 'a', pid: '1' }, '0'],
    [{ service: 'a', pid: '2' }, '0'],
    [{ service: 'b' }, '0'],
  ] as const
  assert.deepEqual(judge(scalar, answerOf(samples), AB)[0]?.reasons, ['MULTI_SERIES'])
})

test('fewer series than at least asked do not pass', () => {
  const results = judge(scalar, answerOf([[{ check: 'x' }, '0']]), { label: 'check', atLeast: 2 })
  assert.ok(results.some(({ reasons }) => reasons.includes('NO_SERIES')))
})

test('an open expectation of none still refuses an empty answer', () => {
  assert.equal(judge(scalar, answerOf([]), { label: 'check', atLeast: 0 })[0]?.verdict, 'INCONCLUSIVE')
})

function countOf(value: string, of: number) {
  return judgeCriterion({ kind: 'count', of }, new Map([['value', single(value)]]), null).series[0]
}

test('count: n of n passes, one fewer fails, more or a part of one is inconsistent', () => {
  assert.equal(countOf('60', 60)?.verdict, 'PASS')
  assert.equal(countOf('59', 60)?.verdict, 'FAIL')
  assert.deepEqual(countOf('61', 60)?.reasons, ['COUNTER_INCONSISTENT'])
  assert.deepEqual(countOf('59.7', 60)?.reasons, ['COUNTER_INCONSISTENT'])
  assert.deepEqual(countOf('-1', 60)?.reasons, ['COUNTER_INCONSISTENT'])
})

test('count: nothing of nothing does not pass', () => {
  assert.equal(countOf('0', 0)?.verdict, 'FAIL')
})

function ratioOf(errors: string, total: string, limit = 0.005) {
  const answers = new Map([
    ['errors', single(errors)],
    ['total', single(total)],
  ])
  return judgeCriterion({ kind: 'ratio-bound', limit, confidence: 0.95 }, answers, null).series[0]
}

test('ratio: the 864th error of 172,800 loses the gate, however sure the bound', () => {
  assert.equal(ratioOf('864', '172800')?.verdict, 'FAIL')
  assert.notEqual(ratioOf('863', '172800')?.verdict, 'FAIL')
  assert.equal(ratioOf('800', '172800')?.verdict, 'PASS')
})

test('ratio: a run too short to demonstrate the limit does not pass without errors', () => {
  assert.deepEqual(ratioOf('0', '500')?.reasons, ['UNDERPOWERED'])
  assert.equal(ratioOf('0', '539')?.verdict, 'PASS')
})

test('ratio: no requests, more errors than requests, and parts of requests do not pass', () => {
  assert.deepEqual(ratioOf('0', '0')?.reasons, ['UNDERPOWERED'])
  assert.deepEqual(ratioOf('2', '1')?.reasons, ['COUNTER_INCONSISTENT'])
  assert.deepEqual(ratioOf('0', '1000.5')?.reasons, ['COUNTER_INCONSISTENT'])
  assert.deepEqual(ratioOf('-1', '1000')?.reasons, ['COUNTER_INCONSISTENT'])
})

test('ratio: never passes at or above its limit, and more errors never help', () => {
  const counts = fc.tuple(fc.nat(5000), fc.nat(200_000)).filter(([errors, total]) => errors < total)
  const rank = { FAIL: 0, INCONCLUSIVE: 1, PASS: 2 }
  fc.assert(
    fc.property(counts, ([errors, total]) => {
      const result = ratioOf(String(errors), String(total))
      const worse = ratioOf(String(errors + 1), String(total))
      assert.ok(result && worse)
      if (errors / total >= 0.005) assert.equal(result.verdict, 'FAIL')
      if (result.verdict === 'PASS') assert.ok((result.bound ?? 1) < 0.005)
      assert.ok(rank[worse.verdict] <= rank[result.verdict])
    }),
  )
})

test('ledger: one voice session unaccounted for fails', () => {
  const ledger = (left: string, right: string) =>
    judgeCriterion(
      { kind: 'ledger' },
      new Map([
        ['left', single(left)],
        ['right', single(right)],
      ]),
      null,
    ).series[0]
  assert.equal(ledger('100', '99')?.verdict, 'FAIL')
  assert.equal(ledger('99', '100')?.verdict, 'FAIL')
  assert.equal(ledger('100', '100')?.verdict, 'PASS')
})

test('ledger: a series that only one side knows does not pass', () => {
  const answers = new Map([
    [
      'left',
      answerOf([
        [{ service: 'a' }, '1'],
        [{ service: 'b' }, '1'],
      ]),
    ],
    ['right', answerOf([[{ service: 'a' }, '1']])],
  ])
  const { series } = judgeCriterion({ kind: 'ledger' }, answers, { label: 'service', atLeast: 1 })
  assert.deepEqual(
    series.map(({ verdict }) => verdict),
    ['PASS', 'INCONCLUSIVE'],
  )
})

test('a guard holds at exactly 1 and at nothing else', () => {
  assert.deepEqual(guardReasons(single('1'), 'COVERAGE'), [])
  assert.deepEqual(guardReasons(single('0'), 'COVERAGE'), ['COVERAGE'])
  assert.deepEqual(guardReasons(single('0.999'), 'COVERAGE'), ['COVERAGE'])
  assert.deepEqual(guardReasons(single('6'), 'COVERAGE'), ['COVERAGE'])
  assert.deepEqual(guardReasons(answerOf([]), 'GAP'), ['GAP', 'NO_SERIES'])
  assert.deepEqual(guardReasons(single('NaN'), 'GAP'), ['GAP', 'NAN'])
  assert.deepEqual(guardReasons(undefined, 'GAP'), ['GAP', 'EVALUATION_ERROR'])
  assert.deepEqual(
    guardReasons(
      answerOf([
        [{ a: '1' }, '1'],
        [{ a: '2' }, '1'],
      ]),
      'GAP',
    ),
    ['GAP', 'MULTI_SERIES'],
  )
})

test('no judge passes on an answer of arbitrary text', () => {
  const samples = fc.array(fc.tuple(fc.dictionary(fc.string(), fc.string()), fc.string()), { maxLength: 4 })
  fc.assert(
    fc.property(samples, fc.constantFrom(...JUDGES), (planted, which) => {
      const isNumber = planted.length === 1 && Number.isFinite(Number(planted[0]?.[1]))
      if (isNumber) return
      for (const result of judge(which, answerOf(planted))) assert.equal(result.verdict, 'INCONCLUSIVE')
    }),
  )
})
