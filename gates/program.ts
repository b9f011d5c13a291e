import { Command, CommanderError, Option } from 'commander'
import packageFile from '../package.json' with { type: 'json' }
import type { CommandArguments, CommandDefinition, OptionSpec } from './command.ts'
import { commandsFor } from './commands.ts'
import { CliError, EXIT_CODES, type ExitCode } from './exit-codes.ts'
import type { Host } from './host.ts'
import { atHome } from './state-options.ts'

/** The whole program: reads `host.argv`, runs one command, says what failed, returns the exit code. */
export async function runProgram(host: Host, commands?: readonly CommandDefinition[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.passed
  const program = rootCommand(host)
  for (const definition of commands ?? (await commandsFor(host.argv))) {
    addCommand(program, definition, async (args) => {
      exitCode = await definition.run(args, atHome(args, host))
    })
  }
  try {
    await program.parseAsync([...host.argv], { from: 'user' })
    return host.interrupted.aborted ? EXIT_CODES.interrupted : exitCode
  } catch (error) {
    return report(error, host)
  }
}

/** For who has just found it: what to do next. */
const FIRST_STEPS = `SONIA: a self-hosted assistant of six services, and the gates that prove it fit for production.

  ./sonia up         start it; ends with the addresses and something to try
  ./sonia status     how it is doing; ./sonia logs --follow to see what it does
  ./sonia gates      prove it: every release gate, with signed evidence (less than a quarter of an hour)
  ./sonia test       every test
  ./sonia down       stop it

./sonia --help lists all commands, ./sonia <command> --help explains one.
`

function rootCommand(host: Host): Command {
  return (
    new Command('sonia')
      .description('Starts, watches, loads and judges a SONIA stack, and leaves evidence.')
      .version(packageFile.version, '-V, --version', 'print the version')
      .helpCommand(false)
      .enablePositionalOptions()
      .showHelpAfterError('(add --help for what it takes)')
      .exitOverride()
      .configureOutput({
        writeOut: (text) => host.stdout.write(text),
        writeErr: (text) => host.stderr.write(text),
      })
      .argument('[words...]')
      .usage('[options] <command>')
      // So that what is wrong with "fly --json" is "fly".
      .allowUnknownOption()
      .action(([word]: readonly string[], _options: unknown, root: Command) => {
        if (word !== undefined) throw unknownCommand(word, root)
        host.stdout.write(FIRST_STEPS)
      })
  )
}

const ALIKE_LETTERS = 2

function unknownCommand(word: string, root: Command): CliError {
  const alike = root.commands
    .map((command) => command.name())
    .filter((name) => name.startsWith(word.slice(0, ALIKE_LETTERS)))
  const meant = alike.map((name) => `./sonia ${name}`).join(', ')
  return new CliError(EXIT_CODES.badUsage, `there is no command "${word}"`, {
    hint: `${meant === '' ? '' : `${meant}; `}./sonia --help lists all commands`,
  })
}

/** "gates calibrate" becomes a child of "gates"; a family without a command of its own only shows help. */
function addCommand(
  root: Command,
  definition: CommandDefinition,
  run: (args: CommandArguments) => Promise<void>,
): void {
  const words = definition.name.split(' ')
  const last = words.at(-1) ?? definition.name
  const parent = words.slice(0, -1).reduce(childNamed, root)
  // What stands after "gates attach" is for attach, though gates has an option of the same name.
  const command = parent.command(last).description(definition.summary).enablePositionalOptions()
  for (const option of definition.options) command.addOption(optionOf(option))
  for (const argument of definition.arguments) command.argument(argument.name, argument.help)
  const examples = definition.examples.map((line) => `  ${line}`).join('\n')
  if (examples !== '') command.addHelpText('after', `\nExamples:\n${examples}`)
  command.action(async () => {
    await run({ positionals: command.processedArgs.flat().filter(isText), options: command.opts() })
  })
}

/** Help shows a default as it would be typed, without the quotes of JSON. */
function optionOf({ flags, help, fallback }: OptionSpec): Option {
  const option = new Option(flags, help)
  return fallback === undefined ? option : option.default(fallback, fallback)
}

/** Families that are no command themselves, in the list of all commands. */
const FAMILY_SUMMARIES: Readonly<Record<string, string>> = {
  approvals: 'calls that wait for a person: list, approve or deny them',
  release: 'who signed for a release, what is missing, and the tag at its end',
  drill: 'cause every alert, or lose and restore the state, and see that it holds',
}

function childNamed(parent: Command, name: string): Command {
  const known = parent.commands.find((child) => child.name() === name)
  return (
    known ??
    parent
      .command(name)
      .helpCommand(false)
      .description(FAMILY_SUMMARIES[name] ?? '')
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function report(error: unknown, host: Host): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has already written help or its complaint.
    return error.exitCode === 0 ? EXIT_CODES.passed : EXIT_CODES.badUsage
  }
  const expected = expectedFailure(error)
  const failure = interruption(error, expected, host) ?? expected ?? internalError(error, host)
  if (host.argv.includes('--json')) {
    const body = { message: failure.message, hint: failure.hint ?? null, exit_code: failure.exitCode }
    host.stdout.write(`${JSON.stringify({ error: body })}\n`)
  } else {
    host.stderr.write(`sonia: ${failure.message}\n`)
    if (failure.hint !== undefined) host.stderr.write(`  try: ${failure.hint}\n`)
  }
  return failure.exitCode
}

/** Whatever broke on the way out of an interrupted run is a consequence, not the news; a command may know more. */
function interruption(cause: unknown, expected: CliError | undefined, host: Host): CliError | undefined {
  if (!host.interrupted.aborted || expected?.exitCode === EXIT_CODES.interrupted) return expected
  return new CliError(EXIT_CODES.interrupted, 'interrupted; what was started has been stopped', {
    hint: `./sonia ${host.argv.join(' ')}, which begins anew`,
    cause,
  })
}

/** Errors of ops/ and tools/ carry an exit code and a hint of their own; they do not know the gates. */
function expectedFailure(error: unknown): CliError | undefined {
  if (error instanceof CliError) return error
  if (!(error instanceof Error) || !('exitCode' in error) || !('hint' in error)) return undefined
  const exitCode = Object.values(EXIT_CODES).find((code) => code === error.exitCode)
  if (exitCode === undefined || typeof error.hint !== 'string') return undefined
  return new CliError(exitCode, error.message, { hint: error.hint, cause: error })
}

function internalError(error: unknown, host: Host): CliError {
  const detail = error instanceof Error ? error : new Error(String(error))
  if (host.env['SONIA_DEBUG'] !== undefined) host.stderr.write(`${detail.stack}\n`)
  return new CliError(EXIT_CODES.internal, `internal error: ${detail.message}`, {
    hint: 'run it again with SONIA_DEBUG=1 for the stack, and report it',
    cause: error,
  })
}
