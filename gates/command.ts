import type { ExitCode } from './exit-codes.ts'
import type { Host } from './host.ts'

export interface OptionSpec {
  /** As commander reads it: "--profile <name>", "--json". */
  readonly flags: string
  readonly help: string
  readonly fallback?: string
}

export interface ArgumentSpec {
  /** As commander reads it: "<bundle>", "[service]", "[names...]". */
  readonly name: string
  readonly help: string
}

/** What was typed, already split; each command checks values itself and refuses with exit code 64. */
export interface CommandArguments {
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

/** One file under commands/ per command, exporting `command`. `run` returns the exit code and throws `CliError`. */
export interface CommandDefinition {
  /** "plan", or two words for a command of a family: "gates calibrate". */
  readonly name: string
  readonly summary: string
  readonly options: readonly OptionSpec[]
  readonly arguments: readonly ArgumentSpec[]
  readonly examples: readonly string[]
  run(args: CommandArguments, host: Host): Promise<ExitCode>
}

export function textOption(args: CommandArguments, name: string): string | undefined {
  const value = args.options[name]
  return typeof value === 'string' ? value : undefined
}

export function flagOption(args: CommandArguments, name: string): boolean {
  return args.options[name] === true
}
