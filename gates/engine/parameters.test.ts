import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parametersOfWindow, resolveExpression, unknownParameters } from './parameters.ts'

const WINDOW = { gate: 'demo', start: 1000, end: 1060, planned_seconds: 60 }

test('a parameter that nobody gives is named, and never asked as text', () => {
  assert.deepEqual(unknownParameters('x[$W] / $NOPE', new Set(['W'])), ['NOPE'])
  assert.throws(() => resolveExpression('x[$NOPE]', {}))
})

test('a parameter named like a method of every object is not found by accident', () => {
  assert.throws(() => resolveExpression('$TOSTRING $CONSTRUCTOR', {}))
})

test('the window gives its own parameters, in seconds', () => {
  const parameters = parametersOfWindow({ S: 5 }, WINDOW)
  assert.equal(resolveExpression('x[$W:$S] @ $END - $START', parameters), 'x[60:5] @ 1060 - 1000')
  assert.equal(parameters['GAP'], 15)
  assert.equal(parameters['W_GAP'], 45)
})

test('a run without a scrape interval is refused', () => {
  assert.throws(() => parametersOfWindow({}, WINDOW))
})

test('a list becomes an alternation, and no name can leave its quotes or its branch', () => {
  assert.equal(resolveExpression('up{service=~"$N"}', { N: ['a', 'b-c'] }), 'up{service=~"a|b-c"}')
  const hostile = resolveExpression('up{service=~"$N"}', { N: ['a"} or vector(1) #', '.*'] })
  assert.equal(
    hostile,
    String.raw`up{service=~"a\"\} or vector\(1\) #|\\.\\*"}`.replaceAll(/\\([}()])/g, String.raw`\\$1`),
  )
})

test('a pause parts the window in what was before it and what was after it; without one both are the whole', () => {
  const asked = 'x[$BEFORE_W] @ $BEFORE_END + x[$AFTER_W]'
  const paused = parametersOfWindow({ S: 5 }, { ...WINDOW, pause: { start: 1020, end: 1050 } })
  assert.equal(resolveExpression(asked, paused), 'x[20] @ 1020 + x[10]')
  assert.equal(resolveExpression(asked, parametersOfWindow({ S: 5 }, WINDOW)), 'x[60] @ 1060 + x[60]')
})
