import assert from 'node:assert/strict'
import { test } from 'node:test'
import { terminalPicture } from './terminal-picture.ts'

test('a picture of a terminal shows every line, its colours, and no escape sequence', () => {
  const picture = terminalPicture(
    '│ Status: \u001B[32mOK\u001B[0m <5 & more\r\n│ \u001B[1;4mplain\u001B[0m\n\n',
    'a & b',
  )
  assert.match(picture, /<title>a &amp; b<\/title>/)
  assert.match(picture, />│ Status: <tspan fill="#56d364">OK<\/tspan> &lt;5 &amp; more<\/text>/)
  assert.match(picture, />│ plain<\/text>/)
  assert.equal(picture.match(/<text /g)?.length, 2)
  assert.ok(!picture.includes('\u001B'))
})
