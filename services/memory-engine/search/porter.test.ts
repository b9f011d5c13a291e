import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { stem } from './porter.ts'
import { splitWords } from './words.ts'

fc.configureGlobal({ seed: 20261124 })

/** What the real index makes of a text: its tokens in order. */
function indexTokens(): (text: string) => string[] {
  const db = new Database(':memory:')
  db.exec(`CREATE VIRTUAL TABLE probe USING fts5(text, tokenize='porter unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE probe_terms USING fts5vocab(probe, 'instance')`)
  const add = db.prepare('INSERT INTO probe (rowid, text) VALUES (1, ?)')
  const read = db.prepare('SELECT term FROM probe_terms ORDER BY offset').pluck()
  const clear = db.prepare('DELETE FROM probe')
  return (text) => {
    add.run(text)
    const terms = read.all() as string[]
    clear.run()
    return terms
  }
}

const syllable = fc.constantFrom(
  ...'a e i o u y b bl c ch d dd f ff g h j k l ll m n nn p ph qu r s ss sh st t th tt v w x z'.split(' '),
)
const ending = fc.constantFrom(
  ...'s es ies sses ed eed ing ings at bl iz ational tional enci anci izer logi bli alli entli eli ousli'.split(
    ' ',
  ),
  ...'ization ation ator alism iveness fulness ousness aliti iviti biliti icate iciti ical ful ness ative'.split(
    ' ',
  ),
  ...'alize al ance ence er ic able ible ant ement ment ent sion tion ou ism ate iti ous ive ize e y ly'.split(
    ' ',
  ),
)

test('every word is stemmed as the index stems it', () => {
  const tokens = indexTokens()
  const word = fc
    .tuple(fc.array(syllable, { minLength: 1, maxLength: 5 }), fc.array(ending, { maxLength: 2 }))
    .map(([start, end]) => start.join('') + end.join(''))
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 60 }), (words) => {
      assert.deepEqual(words.map(stem), tokens(words.join(' ')))
    }),
    { numRuns: 300 },
  )
})

test('texts of many scripts are split and folded as the index does', () => {
  const tokens = indexTokens()
  for (const text of [
    'Äpfel, Öl & Übermut: naïve café RÉSUMÉ',
    'Ελληνικά ΚΑΙ Русский ТЕКСТ',
    '日本語 テキスト 12:30 2026-11-24',
    'mixed_under-score a+b=c "quoted" \'single\' (NEAR AND OR NOT) col:umn pre*',
    "l'été d’hiver x² ½ Ⅷ",
    'emoji 🚀 rocket zero​width',
  ]) {
    assert.deepEqual(splitWords(text).map(stem), tokens(text), text)
  }
})

test('very short and very long words are left alone', () => {
  assert.equal(stem('as'), 'as')
  assert.equal(stem(`${'a'.repeat(62)}ing`), `${'a'.repeat(62)}ing`)
})
