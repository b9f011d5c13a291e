import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contentOf, isWholeContent, searchWords } from './drill-content.ts'

test('half a content, or one with other words, is never taken for a whole one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (n, part) => {
        const content = contentOf('harbour', n)
        assert.equal(isWholeContent(content), true)
        assert.equal(isWholeContent(content.slice(0, Math.floor(content.length * part))), false)
        assert.equal(isWholeContent(content.replace('memory', 'memoir')), false)
      },
    ),
    { seed: 20261124, numRuns: 100 },
  )
})

test('one content in eight is longer than a database page, and all are found by few words', () => {
  const contents = Array.from({ length: 16 }, (_, index) => contentOf('harbour', index + 1))
  assert.equal(contents.filter((content) => content.length > 4096).length, 2)
  assert.equal(new Set(contents.map(searchWords)).size, 16)
  for (const content of contents) assert.ok(searchWords(content).length < 300)
})
