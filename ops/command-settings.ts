import { isAbsolute, join } from 'node:path'
import { DEFAULT_PORT_BASE, WATCH_PORTS } from '#catalog'
import { OPS_EXIT, OpsError } from './ops-error.ts'

/** The part of the command line's host that says where things are. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly repository: string
}

/** $SONIA_HOME, else `var` in the repository: the same folder from wherever the command is called. */
export function homeOf(host: Surroundings): string {
  const named = host.env['SONIA_HOME']
  if (named === undefined || named === '') return join(host.repository, 'var')
  return isAbsolute(named) ? named : join(host.cwd, named)
}

const HIGHEST_PORT = 65_535
const OFFSET_MAX = HIGHEST_PORT - Math.max(...Object.values(WATCH_PORTS))
const OFFSET_MIN = 1_024 - Math.min(...Object.values(WATCH_PORTS))

/** --port-base, else $SONIA_PORT_BASE, else 7000; refused when a port of the set would not exist. */
export function portBaseOf(option: string | undefined, host: Surroundings): number {
  const text = option ?? host.env['SONIA_PORT_BASE'] ?? String(DEFAULT_PORT_BASE)
  const portBase = /^\d+$/.test(text) ? Number(text) : NaN
  const offset = portBase - DEFAULT_PORT_BASE
  if (offset >= OFFSET_MIN && offset <= OFFSET_MAX) return portBase
  throw new OpsError(OPS_EXIT.badUsage, `"${text}" is no port base`, {
    hint: `a number from ${DEFAULT_PORT_BASE + OFFSET_MIN} to ${DEFAULT_PORT_BASE + OFFSET_MAX}`,
  })
}

/** A whole number of seconds of at least 1. */
export function secondsOf(option: string | undefined, fallback: number, flag: string): number {
  if (option === undefined) return fallback
  if (/^[1-9]\d{0,5}$/.test(option)) return Number(option)
  throw new OpsError(OPS_EXIT.badUsage, `${flag} ${option}: not a whole number of seconds`, {
    hint: `${flag} 15`,
  })
}
