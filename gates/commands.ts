import type { CommandDefinition } from './command.ts'
import { command as plan } from './commands/plan.ts'

/** Every command, in the order in which `--help` lists them. */
export const COMMANDS: readonly CommandDefinition[] = [plan]
