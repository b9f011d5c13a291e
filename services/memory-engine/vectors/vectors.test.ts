import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openTestDatabase } from '../testing.ts'
import { fuseRanks } from './fuse-ranks.ts'
import { asInt8, cosine, countBits, quantise, signatureWords } from './quantise.ts'

test('bits are counted right for every kind of word', () => {
  fc.assert(
    fc.property(fc.integer(), (word) => {
      assert.equal(countBits(word), (word >>> 0).toString(2).replaceAll('0', '').length)
    }),
  )
})

test('cosine of 8-bit components is within 0.02 of that of the numbers', () => {
  const vector = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 64, maxLength: 64 })
  fc.assert(
    fc.property(vector, vector, (left, right) => {
      const norm = (v: readonly number[]) => Math.hypot(...v)
      fc.pre(norm(left) > 0.5 && norm(right) > 0.5)
      const exact =
        left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0) / norm(left) / norm(right)
      const [a, b] = [quantise(left), quantise(right)]
      assert.ok(Math.abs(cosine(asInt8(a.components), asInt8(b.components)) - exact) < 0.02)
    }),
  )
})

test('a vector of zeros or of another length is near to nothing', () => {
  const zero = asInt8(quantise([0, 0, 0]).components)
  assert.equal(cosine(zero, zero), 0)
  assert.equal(cosine(zero, asInt8(quantise([1]).components)), 0)
  assert.equal(signatureWords(quantise(Array.from({ length: 33 }, () => 1)).signature).length, 2)
})

test('what stands high in both orders comes first', () => {
  assert.deepEqual(
    fuseRanks([
      [1, 2, 3],
      [3, 1, 4],
    ]).map(([key]) => key),
    [1, 3, 2, 4],
  )
})

test('the nearest by meaning is found among thousands, and a replaced vector counts no more', (t) => {
  const memory = openTestDatabase(t)
  const dimensions = 128
  const vectorOf = (seed: number) =>
    Float32Array.from({ length: dimensions }, (_, at) => Math.sin(seed * 37.7 + at * at * 0.31))
  const ids = Array.from({ length: 1500 }, (_, n) => `mem_${n.toString(16).padStart(12, '0')}`)
  const times = { created_at_ms: 1, updated_at_ms: 1 }
  memory.write({
    kind: 'import',
    drafts: ids.map((id) => ({
      id,
      type: 'turn',
      content: 'same words',
      metadata: '{}',
      session_id: null,
      ...times,
    })),
  })
  const vectors = ids.map((id, n) => ({ id, updated_at_ms: 1, model: 'm', ...quantise(vectorOf(n)) }))
  assert.equal(memory.write({ kind: 'put_vectors', vectors }), 1500)
  const ask = (seed: number) =>
    memory.search('nothing shared', { vector: { model: 'm', values: vectorOf(seed) } })
  for (const n of [0, 777, 1499]) assert.equal(ask(n)[0], ids[n])
  const changed = ids[777] ?? ''
  const change = { content: 'other words', type: undefined, metadata: undefined }
  memory.write({ kind: 'replace', id: changed, change, nowMs: 9 })
  assert.notEqual(ask(777)[0], changed)
  assert.equal(
    memory.write({
      kind: 'put_vectors',
      vectors: [{ ...vectors[777], id: changed, updated_at_ms: 1, model: 'm', ...quantise(vectorOf(777)) }],
    }),
    0,
    'made from older content',
  )
  assert.equal(memory.search('same', { vector: { model: 'another', values: vectorOf(0) } }).length, 10)
})
