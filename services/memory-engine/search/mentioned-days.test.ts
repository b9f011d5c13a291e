import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mentionedDays, mentionedRanges } from './mentioned-days.ts'

/** A Wednesday. */
const WRITTEN_MS = Date.UTC(2026, 4, 13, 15)
const iso = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10)

for (const [text, expected] of [
  ['nothing of the kind, may be', []],
  ['32 May 2026 or 2026-13-40', []],
  ['on 2026-02-28', ['2026-02-28']],
  ['am 3.4.2025', ['2025-04-03']],
  ['March 5th, 2024', ['2024-03-05']],
  ['the 5th of March 2024', ['2024-03-05']],
  ['5 mar 2024', ['2024-03-05']],
  ['on December 30', ['2025-12-30']],
  ['on 2 January', ['2026-01-02']],
  ['today', ['2026-05-13']],
  ['Yesterday', ['2026-05-12']],
  ['the day before yesterday', ['2026-05-11']],
  ['tomorrow', ['2026-05-14']],
  ['three days ago', ['2026-05-10']],
  ['a week ago', ['2026-05-06']],
  ['in 2 weeks', ['2026-05-27']],
  ['last Friday', ['2026-05-08']],
  ['last Wednesday', ['2026-05-06']],
  ['next Monday', ['2026-05-18']],
  ['last weekend', ['2026-05-09', '2026-05-10']],
] as const) {
  test(`"${text}" speaks of ${expected.join(', ') || 'no day'}`, () => {
    assert.deepEqual(mentionedDays(text, WRITTEN_MS).map(iso), expected)
  })
}

test('a month in a question is a range of days, in a memory it is too wide to index', () => {
  assert.deepEqual(
    mentionedRanges('what did we do in March 2026', WRITTEN_MS).map(({ from, to }) => [iso(from), iso(to)]),
    [['2026-03-01', '2026-03-31']],
  )
  assert.deepEqual(mentionedDays('in March 2026', WRITTEN_MS), [])
})

test('a text full of dates gives a bounded number of days', () => {
  const text = Array.from({ length: 500 }, (_, n) => `2026-01-${1 + (n % 28)}`).join(' ')
  assert.ok(mentionedDays(text, WRITTEN_MS).length <= 16)
})
