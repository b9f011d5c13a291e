import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Labels, RangeAnswer } from './types.ts'
import { statedPart, validPart, validQuery } from './valid-part.ts'

const WINDOW = { start: 1000, end: 1060 }
const STEP = 5
const LAG = 15

/** One letter for each point: "1" sound, "0" not, "." not there, "N" not a number. */
function answerOf(points: string, more: readonly Labels[] = []): RangeAnswer {
  const values = points.split('').flatMap((letter, index) => {
    const text = letter === 'N' ? 'NaN' : letter
    return letter === '.' ? [] : [[WINDOW.start + (index + 1) * STEP, text] as const]
  })
  const data = [{ labels: {}, values }, ...more.map((labels) => ({ labels, values }))]
  return { kind: 'range', query: '', fault: null, start: 1005, end: 1060, step: STEP, data }
}

function partOf(points: string): readonly [number, number] {
  const { start, end } = validPart(answerOf(points), WINDOW, LAG)
  return [start, end]
}

const FAULT = { kind: 'unreachable', message: 'planted' } as const

for (const [what, answer] of [
  ['no answer', undefined],
  ['an answer that is a fault', { ...answerOf('111111111111'), fault: FAULT }],
  ['no series', { ...answerOf('111111111111'), data: [] }],
  ['two series', answerOf('111111111111', [{ service: 'a' }])],
  ['a series with labels', { ...answerOf(''), data: [{ labels: { a: 'b' }, values: [[1005, '1']] }] }],
  ['zeros', answerOf('000000000000')],
  ['numbers that are none', answerOf('NNNNNNNNNNNN')],
  ['twos', answerOf('222222222222')],
] as const) {
  test(`${what}: no part of the window is valid`, () => {
    const part = validPart(answer, WINDOW, LAG)
    assert.deepEqual([part.start, part.end, part.share], [1000, 1000, 0])
    assert.equal(part.sentence, 'No part of the window is valid.')
  })
}

test('an unbroken record is valid from end to end', () => {
  const part = validPart(answerOf('111111111111'), WINDOW, LAG)
  assert.deepEqual([part.start, part.end, part.share], [1000, 1060, 1])
  assert.equal(
    part.sentence,
    'Valid part of the window: 1970-01-01T00:16:40Z to 1970-01-01T00:17:40Z, 100 % of it.',
  )
})

test('of two parts the longer one counts, and a break cuts the part before it by the time it takes to show', () => {
  assert.deepEqual(partOf('111111110111'), [1000, 1025])
  assert.deepEqual(partOf('111101111111'), [1025, 1060])
})

test('points that are missing break a part as zeros do', () => {
  assert.deepEqual(partOf('11111111....'), [1000, 1025])
  assert.deepEqual(partOf('....11111111'), [1020, 1060])
})

test('a part shorter than it takes to notice its end is none', () => {
  assert.deepEqual(partOf('001110000000'), [1000, 1000])
})

test('a window of two days is asked at every second scrape, to its very end', () => {
  const { start, end, step, query } = validQuery('x[$W]', { START: 0, END: 172_800, S: 15, W: 172_800 })
  assert.deepEqual([start, end, step, query], [30, 172_800, 30, 'x[172800]'])
})

test('the part is stated where a gate could not be judged, and nowhere else', () => {
  const valid_part = validPart(answerOf('111111110000'), WINDOW, LAG)
  assert.equal(statedPart({ verdict: 'INCONCLUSIVE', valid_part }).length, 1)
  assert.deepEqual(statedPart({ verdict: 'PASS', valid_part }), [])
  assert.deepEqual(statedPart({ verdict: 'INCONCLUSIVE' }), [])
})
