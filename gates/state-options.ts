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

const PORT_BASE = '--port-base <port>'

/** Of every command that starts a stack, or looks whether one could start. */
export const PORT_BASE_OPTION: OptionSpec = {
  flags: PORT_BASE,
  help: `first port of the set (default: $SONIA_PORT_BASE, else ${DEFAULT_PORT_BASE})`,
}

/** Of every command that asks a stack that runs. */
export const RUNNING_PORT_BASE_OPTION: OptionSpec = {
  flags: PORT_BASE,
  help: 'first port of the set (default: that of the running stack)',
}
