import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { removalEnvelope } from '../testing.ts'
import { differences, envelopeSha256 } from './envelope.ts'
import { shown, summarise } from './summary.ts'

fc.configureGlobal({ seed: 20261124 })

const word = fc.string({ unit: 'grapheme', maxLength: 30 })
const words = fc.array(word, { minLength: 1, maxLength: 5 })

test('a summary holds nothing invisible, nothing that changes direction, and no look-alike of another alphabet', () => {
  fc.assert(
    fc.property(words, word, (argv, path) => {
      const { summary } = summarise(removalEnvelope({ argv, operands: [{ path, sha256: null }] }), {})
      assert.match(summary, /^[\x20-\x7e\n]*$/)
    }),
  )
})

test('a word cannot end its quotes, begin a new line, or pass for two', () => {
  assert.equal(shown('a b'), '"a b"')
  assert.equal(shown('a" "b'), '"a\\" \\"b"')
  assert.equal(shown('x\nasked by nobody'), '"x\\nasked by nobody"')
  assert.equal(shown('\u202Egnp.exe'), '"\\u{202e}gnp.exe"')
  assert.equal(shown('р'), '"\\u{440}"')
  assert.equal(shown(''), '""')
})

test('different words are shown differently', () => {
  fc.assert(
    fc.property(words, words, (one, other) => {
      const sameShown = one.map(shown).join(' ') === other.map(shown).join(' ')
      assert.equal(sameShown, JSON.stringify(one) === JSON.stringify(other))
    }),
    { numRuns: 500 },
  )
})

test('the summary of each tool says what would happen, from arguments whose digest the envelope holds', () => {
  const none = { argv: null, program: null, cwd: null, operands: [] }
  const of = (tool: string, args: Record<string, unknown>) =>
    summarise(removalEnvelope({ ...none, tool }), args).action
  assert.equal(of('file.write', { path: 'notes/a', content: 'é' }), 'write 2 bytes to notes/a')
  assert.equal(of('file.read', { path: 'notes/a' }), 'read notes/a')
  assert.equal(of('browser.open', { url: 'https://a.example/' }), 'open https://a.example/')
})

test('envelopes have one digest exactly if they are the same call, whatever the order of their keys', () => {
  fc.assert(
    fc.property(words, words, (one, other) => {
      const [left, right] = [removalEnvelope({ argv: one }), removalEnvelope({ argv: other })]
      assert.equal(
        envelopeSha256(left) === envelopeSha256(right),
        JSON.stringify(one) === JSON.stringify(other),
      )
    }),
  )
  const envelope = removalEnvelope()
  const reversed = Object.fromEntries(Object.entries(envelope).toReversed()) as typeof envelope
  assert.equal(envelopeSha256(reversed), envelopeSha256(envelope))
  assert.deepEqual(differences(envelope, { ...envelope, timeout_ms: 1, env: [] }), ['timeout_ms', 'env'])
})
