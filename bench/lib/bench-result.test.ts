import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderResult } from './bench-result.ts'

const measure = (name: string, value: number) => ({
  name,
  unit: '/s',
  n: 5,
  interval: { value, low: value, high: value },
})

test('what is no JSON is refused, as a bench that printed nothing', () => {
  assert.throws(() => renderResult('x', ''), SyntaxError)
})

test('measures become a table and bars as long as they are large', () => {
  const text = renderResult('x', JSON.stringify({ measures: [measure('slow', 10), measure('fast', 40)] }))
  assert.match(text, /slow +10\.0 \[10\.0, 10\.0\] \/s/)
  const lengths = text.split('\n').map((line) => line.replaceAll(/[^█]/g, '').length)
  assert.deepEqual(
    lengths.filter((length) => length > 0),
    [10, 40],
  )
})

test('a missed bound is told', () => {
  const missed = { ...measure('slow', 10), bound: { kind: 'at least', value: 20 } }
  assert.match(renderResult('x', JSON.stringify({ measures: [missed] })), /at least 20: NOT KEPT/)
})

test('figures of any other shape are shown under their path', () => {
  assert.match(
    renderResult('x', JSON.stringify({ p50_us: { bare: 1.23456 }, form: 'short' })),
    /p50 us bare +1\.235\n +form +short/,
  )
})
