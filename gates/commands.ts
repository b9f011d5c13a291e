import type { CommandDefinition } from './command.ts'
import { command as down } from './commands/down.ts'
import { command as plan } from './commands/plan.ts'
import { command as up } from './commands/up.ts'

/** Every command, in the order in which `--help` lists them. */
export const COMMANDS: readonly CommandDefinition[] = [up, down, plan]
