import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { drawResult } from './bench-drawing.ts'
import { keepResult } from './bench-files.ts'
import { panelsOf } from './bench-panels.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonia-bench-files-'))
after(() => rmSync(folder, { recursive: true }))

const interval = (value: number) => ({ value, low: value * 0.9, high: value * 1.1 })
const measures = [
  { name: 'slow', unit: '/s', n: 5, interval: interval(10), bound: { kind: 'at least', value: 20 } },
  { name: 'fast', unit: '/s', n: 5, interval: interval(40) },
  { name: 'late', unit: 'ms', n: 5, interval: interval(3) },
]
const curves = [
  {
    title: 'search',
    size: 'memories',
    unit: 'ms',
    lines: [{ name: 'rare words', points: [10, 100, 1000].map((size) => ({ size, ...interval(size / 7) })) }],
  },
]
const json = JSON.stringify({ measures, curves })

test('what is no JSON is refused and leaves no files', () => {
  assert.throws(() => keepResult(folder, 'broken', { about: {}, json: '' }), SyntaxError)
  assert.throws(() => readFileSync(join(folder, 'broken.json')))
})

test('a result is kept as JSON with what it is about, as a table and as a drawing', () => {
  keepResult(folder, 'mine', { about: { commit: 'abc' }, json })
  const read = (suffix: string) => readFileSync(join(folder, `mine.${suffix}`), 'utf8')
  assert.deepEqual(JSON.parse(read('json')), { about: { commit: 'abc' }, measures, curves })
  assert.match(read('txt'), /^commit: abc\n\nmine\n {2}slow +10\.0 \[9\.00, 11\.0\] \/s .*NOT KEPT/)
  assert.match(read('svg'), /^<svg [^>]*xmlns=/)
})

test('a drawing names every figure and every curve, and is the same text for the same data', () => {
  const svg = drawResult('mine', json)
  for (const text of ['mine', '/s', 'slow', 'fast', 'ms', 'late', 'search', 'rare words', 'memories'])
    assert.ok(svg.includes(`>${text}<`), text)
  assert.equal(svg, drawResult('mine', json))
})

test('of another shape, objects with two figures or more are drawn, counts at the top are not', () => {
  const other = { rounds: 5, p50_us: { bare: 1, own: 2 }, session: { ratio: interval(2), limit: 3, x: 'y' } }
  assert.deepEqual(
    panelsOf(other).bars.map(({ title, rows }) => [title, rows.map(({ name }) => name)]),
    [
      ['p50 us', ['bare', 'own']],
      ['session', ['ratio', 'limit']],
    ],
  )
})

test('a result without figures is an empty drawing', () => {
  assert.match(drawResult('none', '{"form":"short"}'), /^<svg /)
})
