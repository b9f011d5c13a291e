/** Days since 1970-01-01, UTC; both ends included. */
export interface DayRange {
  readonly from: number
  readonly to: number
}

const DAY_MS = 86_400_000
/** A range in a memory is indexed day by day: nothing longer than a week. */
const INDEXED_RANGE_DAYS_MAX = 7
const MENTIONS_MAX = 16

const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
)
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ')
const NUMBERS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ')

const MONTH = `(${MONTHS.map((name) => (name === 'may' ? name : `${name.slice(0, 3)}(?:${name.slice(3)})?`)).join('|')})`
const WEEKDAY = `(${WEEKDAYS.join('|')})`
const COUNT = `(\\d{1,3}|an?|a couple of|a few|${NUMBERS.slice(1).join('|')})`

type Reader = (match: readonly (string | undefined)[], today: number) => DayRange | undefined

interface Pattern {
  readonly expression: RegExp
  readonly read: Reader
}

/** More exact forms first: text that one has taken is not read again by the next. */
const PATTERNS: readonly Pattern[] = [
  pattern('(\\d{4})-(\\d{1,2})-(\\d{1,2})', ([, year, month, day]) => date(year, Number(month), day)),
  pattern('(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4})', ([, day, month, year]) => date(year, Number(month), day)),
  pattern(`${MONTH} (\\d{1,2})(?:st|nd|rd|th)?,? (\\d{4})`, ([, month, day, year]) =>
    date(year, monthOf(month), day),
  ),
  pattern(`(\\d{1,2})(?:st|nd|rd|th)?(?: of)? ${MONTH},? (\\d{4})`, ([, day, month, year]) =>
    date(year, monthOf(month), day),
  ),
  pattern(`${MONTH} (\\d{1,2})(?:st|nd|rd|th)?`, ([, month, day], today) =>
    nearest(monthOf(month), day, today),
  ),
  pattern(`(\\d{1,2})(?:st|nd|rd|th)?(?: of)? ${MONTH}`, ([, day, month], today) =>
    nearest(monthOf(month), day, today),
  ),
  pattern(`${MONTH},?(?: of)? (\\d{4})`, ([, month, year]) => wholeMonth(Number(year), monthOf(month))),
  pattern('day before yesterday', (_match, today) => single(today - 2)),
  pattern('day after tomorrow', (_match, today) => single(today + 2)),
  pattern('yesterday|last night', (_match, today) => single(today - 1)),
  pattern('tomorrow', (_match, today) => single(today + 1)),
  pattern('today|tonight|this (?:morning|afternoon|evening)', (_match, today) => single(today)),
  pattern(`${COUNT} (day|week)s? (ago|from now|later)`, ([, count, unit, direction], today) =>
    away(count, unit, direction === 'ago' ? -1 : 1, today),
  ),
  pattern(`in ${COUNT} (day|week)s?`, ([, count, unit], today) => away(count, unit, 1, today)),
  pattern(`last ${WEEKDAY}`, ([, name], today) =>
    single(today - 1 - modulo(weekday(today - 1) - indexOf(name), 7)),
  ),
  pattern(`next ${WEEKDAY}`, ([, name], today) =>
    single(today + 1 + modulo(indexOf(name) - weekday(today + 1), 7)),
  ),
  pattern('(last|next|this) (weekend|week)', ([, which, unit], today) => weekOf(which, unit, today)),
  pattern('(last|next|this) month', ([, which], today) => monthFrom(today, which)),
]

function pattern(source: string, read: Reader): Pattern {
  return { expression: new RegExp(`\\b(?:${source})\\b`, 'gi'), read }
}

/** Something of this is in every form above; most texts have nothing of it, and are told apart in one pass. */
const ANY_FORM = new RegExp(
  `\\d-\\d|\\d\\.\\d|\\b(?:${MONTHS.map((name) => name.slice(0, 3)).join('|')}|${WEEKDAYS.join('|')}|` +
    'yesterday|tomorrow|today|tonight|night|morning|afternoon|evening|day|week|month)',
  'i',
)

/** Days that a text speaks of, seen from the day it was written. */
export function mentionedDays(text: string, writtenAtMs: number): number[] {
  const days = new Set<number>()
  for (const { from, to } of mentionedRanges(text, writtenAtMs)) {
    if (to - from >= INDEXED_RANGE_DAYS_MAX) continue
    for (let day = from; day <= to; day++) days.add(day)
  }
  return [...days]
}

/** The same for a question: whole months as well. */
export function mentionedRanges(text: string, writtenAtMs: number): DayRange[] {
  if (!ANY_FORM.test(text)) return []
  const today = dayOf(writtenAtMs)
  const ranges: DayRange[] = []
  let rest = text
  for (const { expression, read } of PATTERNS) {
    rest = rest.replace(expression, (...match: readonly (string | undefined)[]) => {
      const range = ranges.length < MENTIONS_MAX ? read(match, today) : undefined
      if (range === undefined) return match[0] ?? ''
      ranges.push(range)
      return ' \n '
    })
  }
  return ranges
}

export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS)
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by
/** 0 is Sunday; 1970-01-01 was a Thursday. */
const weekday = (day: number): number => modulo(day + 4, 7)
const indexOf = (name: string | undefined): number => WEEKDAYS.indexOf((name ?? '').toLowerCase())
const single = (day: number): DayRange => ({ from: day, to: day })

function monthOf(name: string | undefined): number {
  const start = (name ?? '').slice(0, 3).toLowerCase()
  return MONTHS.findIndex((month) => month.startsWith(start)) + 1
}

function date(
  yearText: string | undefined,
  month: number,
  dayText: string | undefined,
): DayRange | undefined {
  const year = Number(yearText)
  const day = Number(dayText)
  const at = new Date(Date.UTC(year, month - 1, day))
  const exists = at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day
  return exists ? single(dayOf(at.getTime())) : undefined
}

/** A day without a year is the one nearest to when it was written. */
function nearest(month: number, dayText: string | undefined, today: number): DayRange | undefined {
  const year = new Date(today * DAY_MS).getUTCFullYear()
  const candidates = [year - 1, year, year + 1]
    .map((candidate) => date(String(candidate), month, dayText))
    .filter((range) => range !== undefined)
  return candidates.toSorted((left, right) => Math.abs(left.from - today) - Math.abs(right.from - today))[0]
}

function wholeMonth(year: number, month: number): DayRange {
  return { from: dayOf(Date.UTC(year, month - 1, 1)), to: dayOf(Date.UTC(year, month, 1)) - 1 }
}

function away(
  countText: string | undefined,
  unit: string | undefined,
  sign: number,
  today: number,
): DayRange {
  const count = countOf((countText ?? '').toLowerCase())
  return single(today + sign * count * (unit?.toLowerCase() === 'week' ? 7 : 1))
}

function countOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  if (text === 'a couple of') return 2
  if (text === 'a few') return 3
  return Math.max(1, NUMBERS.indexOf(text))
}

/** Weeks begin on Monday; a weekend is the Saturday and Sunday that end it. */
function weekOf(which: string | undefined, unit: string | undefined, today: number): DayRange {
  const monday = today - modulo(weekday(today) - 1, 7) + 7 * stepOf(which)
  return unit?.toLowerCase() === 'weekend'
    ? { from: monday + 5, to: monday + 6 }
    : { from: monday, to: monday + 6 }
}

function monthFrom(today: number, which: string | undefined): DayRange {
  const at = new Date(today * DAY_MS)
  return wholeMonth(at.getUTCFullYear(), at.getUTCMonth() + 1 + stepOf(which))
}

function stepOf(which: string | undefined): number {
  return { last: -1, next: 1 }[(which ?? '').toLowerCase()] ?? 0
}
