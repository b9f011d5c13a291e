import type { Amount } from './criterion.ts'
import type { GateWindow, Parameters, ParameterValue } from './types.ts'

/** Names every expression may use besides those of the run: they follow from the gate's window. */
export const WINDOW_PARAMETERS = [
  'START',
  'END',
  'W',
  'GAP',
  'W_GAP',
  'BEFORE_W',
  'BEFORE_END',
  'AFTER_W',
] as const

/** A scrape may be late by this many intervals before data count as having a hole. */
const GAP_INTERVALS = 3

/** The run's parameters with those of the window; S (scrape interval in seconds) must be among the former. */
export function parametersOfWindow(run: Parameters, window: GateWindow): Parameters {
  const scrape = run['S']
  if (typeof scrape !== 'number' || !(scrape > 0)) throw new Error('parameter S must be a number of seconds')
  const length = window.end - window.start
  // Without a pause both parts are the whole.
  const pause = window.pause ?? { start: window.end, end: window.start }
  return {
    ...run,
    START: window.start,
    END: window.end,
    W: length,
    GAP: GAP_INTERVALS * scrape,
    W_GAP: Math.max(length - GAP_INTERVALS * scrape, scrape),
    BEFORE_W: pause.start - window.start,
    BEFORE_END: pause.start,
    AFTER_W: window.end - pause.end,
  }
}

const PARAMETER = /\$([A-Z][A-Z0-9_]*)/g

/** Names used in an expression that nobody gives a value. */
export function unknownParameters(text: string, known: ReadonlySet<string>): readonly string[] {
  return [...text.matchAll(PARAMETER)].map((match) => match[1] ?? '').filter((name) => !known.has(name))
}

/** The expression as it is asked: every `$NAME` replaced; a list becomes an alternation for `=~`. */
export function resolveExpression(text: string, parameters: Parameters): string {
  return text.replace(PARAMETER, (_, name: string) => asText(valueOf(name, parameters))).trim()
}

export function resolveAmount(amount: Amount, parameters: Parameters): number {
  if (typeof amount === 'number') return amount
  const value = valueOf(amount.slice(1), parameters)
  if (typeof value !== 'number') throw new Error(`parameter ${amount} is not a number`)
  return value
}

export function resolveNames(names: readonly string[] | string, parameters: Parameters): readonly string[] {
  if (typeof names !== 'string') return names
  const value = valueOf(names.slice(1), parameters)
  if (typeof value === 'string' || typeof value === 'number')
    throw new Error(`parameter ${names} is not a list`)
  return value
}

function valueOf(name: string, parameters: Parameters): ParameterValue {
  const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined
  if (value === undefined) throw new Error(`there is no parameter $${name}`)
  return value
}

/** Whatever a name holds stays inside a quoted PromQL string and inside one branch of its pattern. */
function asText(value: ParameterValue): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return escapeQuoted(value)
  return value.map((name) => escapeQuoted(escapePattern(name))).join('|')
}

function escapePattern(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

function escapeQuoted(text: string): string {
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
