const SECONDS_PER: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
}

/** What Prometheus takes where a subquery names no step: its default evaluation interval. */
const DEFAULT_STEP_SECONDS = 60

/**
 * How many points the largest subquery of an expression makes of each of its series, nested ones multiplied; 0 without
 * any. Prometheus makes room for them before it looks at its own limits, and dies of 30 billion. `windowSeconds` is the
 * length of a range query, 0 for an instant one. Infinity where a length cannot be read.
 */
export function subqueryPoints(query: string, windowSeconds: number): number {
  return largest(withoutQuotes(query), windowSeconds)
}

function largest(plain: string, windowSeconds: number): number {
  const subqueries = [...plain.matchAll(/\[([^[\]:]*):([^[\]]*)\]/g)]
  return subqueries.reduce((most, { index, 1: range = '', 2: step = '' }) => {
    const length = secondsOf(range)
    const distance = step.trim() === '' ? DEFAULT_STEP_SECONDS : secondsOf(step)
    if (length === null || distance === null || distance === 0) return Number.POSITIVE_INFINITY
    const inner = largest(operandBefore(plain, index), 0)
    return Math.max(most, ((length + windowSeconds) / distance) * Math.max(1, inner))
  }, 0)
}

/** What stands in the parentheses that end before an index; "" where a plain selector does. */
function operandBefore(plain: string, end: number): string {
  const close = plain.slice(0, end).trimEnd().length - 1
  if (plain[close] !== ')') return ''
  let depth = 0
  for (let at = close; at >= 0; at -= 1) {
    if (plain[at] === ')') depth += 1
    if (plain[at] === '(') depth -= 1
    if (depth === 0) return plain.slice(at + 1, close)
  }
  return plain.slice(0, close)
}

/** "1h30m", "15s", or plain seconds; null for anything else. */
function secondsOf(text: string): number | null {
  const trimmed = text.trim()
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return Number(trimmed)
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(trimmed)) return null
  return [...trimmed.matchAll(/(\d+)(ms|[smhdwy])/g)].reduce(
    (sum, { 1: amount, 2: unit = '' }) => sum + Number(amount) * (SECONDS_PER[unit] ?? Number.NaN),
    0,
  )
}

/** Strings and comments may hold brackets that mean nothing. */
function withoutQuotes(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*/g, (quoted) =>
    ' '.repeat(quoted.length),
  )
}
