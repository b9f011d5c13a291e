import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { PAGE_BYTES_MAX } from './fetch-page.ts'
import { TITLE_CHARACTERS_MAX, textOfHtml } from './page-text.ts'

const DOCUMENTS: readonly (readonly [string, string, string])[] = [
  ['<title>A &amp; B</title><h1>Head</h1><p>one &lt;two&gt;</p>', 'A & B', 'Head\none <two>'],
  ['<head><TITLE>T</TITLE><style>p { }</style><body>a<br>b<!-- <p>no</p> -->c', 'T', 'a\nbc'],
  ['<script>if (a < b) document.write("</p>")</script>shown', '', 'shown'],
  ['a<SCRIPT type="x">no</script >b<svg><title>no</title></svg>c', '', 'a b c'],
  ['<title>never ended', '', 'never ended'],
  ['<script>never ended', '', 'never ended'],
  ['a <!-- never ended', '', 'a <!-- never ended'],
  ['a < b', '', 'a < b'],
  ['<titles>x</titles><p>y', '', 'x y'],
  ['<title>one</title><title>two</title>x', 'one', 'x'],
  ['', '', ''],
]

test('title and text are what a reader would see', () => {
  for (const [html, title, text] of DOCUMENTS) assert.deepEqual(textOfHtml(html), { title, text }, html)
})

const UNITS = [
  '<',
  '<script>',
  '<!--',
  '<title>',
  '<br ',
  '</p ',
  '&#',
  '<script>a</script ',
  '</',
  '<svg></svg',
]
const MS_MAX = 2_000

test('a page of the largest size, made of anything that never ends, is read in moments', () => {
  for (const unit of [...UNITS, ...UNITS.map((one) => `${one}>`), ' \n', 'x']) {
    const html = unit.repeat(Math.floor(PAGE_BYTES_MAX / unit.length))
    const startedMs = performance.now()
    textOfHtml(html)
    assert.ok(performance.now() - startedMs < MS_MAX, JSON.stringify(unit))
  }
})

test('a title is bounded', () => {
  assert.equal(textOfHtml(`<title>${'t'.repeat(100_000)}</title>`).title.length, TITLE_CHARACTERS_MAX)
})
