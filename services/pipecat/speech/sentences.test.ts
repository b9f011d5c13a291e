import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSentences } from './sentences.ts'

fc.configureGlobal({ seed: 20261124 })

function sentencesOf(pieces: readonly string[]): string[] {
  const sentences = createSentences()
  return [...pieces.flatMap((piece) => sentences.push(piece)), ...sentences.flush()]
}

const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['... !?', []],
  ['One. Two! Three?', ['One.', 'Two!', 'Three?']],
  ['It costs 3.50 today. Good.', ['It costs 3.50 today.', 'Good.']],
  ['Ask Dr. Weiss, or J. Doe. Now.', ['Ask Dr. Weiss, or J. Doe.', 'Now.']],
  ['"Really?" she said. Yes.', ['"Really?"', 'she said.', 'Yes.']],
  ['- first\n- second', ['- first', '- second']],
]

test('text is cut where a person would breathe', () => {
  for (const [text, expected] of CASES) assert.deepEqual(sentencesOf([text]), expected, text)
})

const anyText = fc.string({
  unit: fc.constantFrom('a', 'Dr', ' ', '.', '!', '\n', '"', '4', '😀', 'word'),
  maxLength: 500,
})

test('the same sentences come however the text was cut, none is longer than 300, and no word is lost', () => {
  fc.assert(
    fc.property(anyText, fc.array(fc.nat({ max: 50 }), { maxLength: 30 }), (text, sizes) => {
      let at = 0
      const pieces = sizes.map((size) => {
        at += size
        return text.slice(at - size, at)
      })
      const whole = sentencesOf([text])
      assert.deepEqual(sentencesOf([...pieces, text.slice(at)]), whole)
      assert.ok(whole.every((sentence) => sentence.length <= 300))
      const letters = (of: string) => of.replaceAll(/[^a-z0-9]/gi, '')
      assert.equal(letters(whole.join('')), letters(text))
    }),
  )
})
