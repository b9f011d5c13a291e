import { resolve } from 'node:path'
import { DEFAULT_PORT_BASE } from '#catalog'
import { type CommandArguments, textOption } from './command.ts'
import { CliError, EXIT_CODES } from './exit-codes.ts'
import type { Host } from './host.ts'

/** The operator's state folder: --home, else $SONIA_HOME, else ./var of the repository. */
export function operatorHome(args: CommandArguments, host: Host): string {
  const named = textOption(args, 'home') ?? host.env['SONIA_HOME']
  return named === undefined || named === '' ? resolve(host.repository, 'var') : resolve(host.cwd, named)
}

/** Every port of the set must stay a port: the highest is the Collector's health port, 13133. */
export function portBaseOption(args: CommandArguments): number {
  const text = textOption(args, 'portBase') ?? String(DEFAULT_PORT_BASE)
  const base = Number(text)
  const isPossible = Number.isInteger(base) && base >= 5_024 && base <= 59_000
  if (isPossible) return base
  throw new CliError(EXIT_CODES.badUsage, `"${text}" is no port base`, {
    hint: 'a number from 5024 to 59000',
  })
}
