import { resolve } from 'node:path'
import { DEFAULT_PORT_BASE } from '#catalog'
import { type CommandArguments, type OptionSpec, textOption } from './command.ts'
import { CliError, EXIT_CODES } from './exit-codes.ts'
import type { Host } from './host.ts'

/** Of every command that works with a state folder; the program sees to it, see `atHome`. */
export const HOME_OPTION: OptionSpec = {
  flags: '--home <folder>',
  help: 'state folder (default: $SONIA_HOME, else ./var)',
}

/** The host as a command sees it after --home: whatever asks for the state folder, here or in a child, finds that one. */
export function atHome(args: CommandArguments, host: Host): Host {
  const named = textOption(args, 'home')
  if (named === undefined) return host
  if (named !== '') return { ...host, env: { ...host.env, SONIA_HOME: resolve(host.cwd, named) } }
  throw new CliError(EXIT_CODES.badUsage, '--home names no folder', { hint: '--home var' })
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
