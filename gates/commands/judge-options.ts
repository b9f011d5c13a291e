import type { Parameters, ParameterValue } from '../engine/types.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'

/** Seconds between scrapes where `S` is not given. */
const SCRAPE_SECONDS = 15

/** Whole seconds since the epoch, from seconds or from a time with its zone. */
export function parseMoment(text: string, option: string): number {
  const hasZone = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text)
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) : hasZone ? Date.parse(text) / 1000 : Number.NaN
  if (Number.isInteger(seconds)) return seconds
  throw new CliError(EXIT_CODES.badUsage, `${option} "${text}" is no time`, {
    hint: 'such as 2026-11-24T12:00:00Z, or whole seconds since 1970',
  })
}

/** `NAME=VALUE` pairs: a number, a name, or a list where there is a comma ("a," is a list of one). */
export function parseParameters(typed: unknown): Parameters {
  const pairs = Array.isArray(typed) ? typed.map(String) : typeof typed === 'string' ? [typed] : []
  const parsed = pairs.map(parsePair)
  const twice = parsed.find(([name], index) => parsed.findIndex(([other]) => other === name) !== index)
  if (twice !== undefined) throw new CliError(EXIT_CODES.badUsage, `--param ${twice[0]} is there twice`)
  const parameters: Parameters = { S: SCRAPE_SECONDS, ...Object.fromEntries(parsed) }
  const scrape = parameters['S']
  if (typeof scrape === 'number' && scrape > 0) return parameters
  throw new CliError(EXIT_CODES.badUsage, '--param S must be a number of seconds')
}

function parsePair(pair: string): readonly [string, ParameterValue] {
  const [, name, text] = /^([A-Z][A-Z0-9_]{0,39})=(.*)$/s.exec(pair) ?? []
  if (name === undefined || text === undefined || text === '') {
    throw new CliError(EXIT_CODES.badUsage, `--param "${pair}" is not NAME=VALUE`, {
      hint: 'names are upper case, such as JOB=node',
    })
  }
  return [name, valueOf(text)]
}

function valueOf(text: string): ParameterValue {
  if (text.includes(',')) return text.split(',').filter((part) => part !== '')
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
