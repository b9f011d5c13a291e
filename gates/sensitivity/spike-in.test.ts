import assert from 'node:assert/strict'
import { test } from 'node:test'
import { historyOf } from '../calibrate/judge-history.ts'
import { FAMILIES } from '../calibrate/histories/families.ts'
import type { InstantAnswer, RangeAnswer } from '../engine/types.ts'
import { rememberingDesigner } from '../statistics/trend-fit.ts'
import { smallestDefects } from './spike-in.ts'

const MIB = 1024 * 1024
const design = rememberingDesigner()
const GROWTH = { kind: 'growth-bound', limit: MIB, windowSeconds: 172_800, mayBeConstant: false } as const
const RATIO = { kind: 'ratio-bound', limit: 0.005, confidence: 0.95 } as const

function memory(id: string): ReadonlyMap<string, RangeAnswer> {
  const family = FAMILIES.find((one) => one.id === id)
  if (family === undefined) throw new Error(`there is no family ${id}`)
  const values = historyOf(family, 1, 0).map(({ hours, value }) => [hours * 3600, String(value)] as const)
  const data = [{ labels: { service: 'a' }, values }]
  return new Map([
    ['series', { kind: 'range', query: '', fault: null, start: 60, end: 172_800, step: 60, data }],
  ])
}

function count(value: number): InstantAnswer {
  return {
    kind: 'instant',
    query: '',
    fault: null,
    time: 0,
    data: [{ labels: {}, time: 0, value: String(value) }],
  }
}

const SERVICE = { label: 'service', values: ['a'] }

test('what already failed has no card: there is no PASS to turn', () => {
  assert.deepEqual(
    smallestDefects({ judge: GROWTH, answers: memory('leak-5'), expected: SERVICE, design }),
    [],
  )
  const errors = new Map([
    ['errors', count(900)],
    ['total', count(172_800)],
  ])
  assert.deepEqual(smallestDefects({ judge: RATIO, answers: errors, expected: null, design }), [])
})

test('the leak that turns a sound history lies near the limit, and is no smaller than its noise allows', () => {
  const [card] = smallestDefects({ judge: GROWTH, answers: memory('short'), expected: SERVICE, design })
  assert.equal(card?.series, 'a')
  assert.notEqual(card?.becomes, 'PASS')
  assert.ok(
    card !== undefined && card.smallest > 0.3 * MIB && card.smallest < 1.2 * MIB,
    String(card?.smallest),
  )
})

test('the error burst is exact: one error less still passes', () => {
  const answers = (errors: number) =>
    new Map([
      ['errors', count(errors)],
      ['total', count(172_800)],
    ])
  const [card] = smallestDefects({ judge: RATIO, answers: answers(10), expected: null, design })
  const burst = card?.smallest ?? 0
  assert.ok(burst > 700 && burst < 854, String(burst))
  assert.equal(
    smallestDefects({ judge: RATIO, answers: answers(10 + burst - 1), expected: null, design })[0]?.smallest,
    1,
  )
  assert.deepEqual(
    smallestDefects({ judge: RATIO, answers: answers(10 + burst), expected: null, design }),
    [],
  )
})
