import type { CommandDefinition } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** Completion of the commands and options that this program has: made from the same list as `--help`. */
export function completionCommand(commands: () => Promise<readonly CommandDefinition[]>): CommandDefinition {
  return {
    name: 'completion',
    summary: 'print a completion script for your shell',
    options: [],
    arguments: [{ name: '<shell>', help: `one of ${SHELLS.join(', ')}` }],
    examples: ['eval "$(./sonia completion bash)"', './sonia completion fish | source'],
    async run(args, host) {
      const shell = SHELLS.find((name) => name === args.positionals[0])
      if (shell === undefined) {
        throw new CliError(EXIT_CODES.badUsage, `there is no completion for "${args.positionals[0] ?? ''}"`, {
          hint: `one of ${SHELLS.join(', ')}`,
        })
      }
      const known = await commands()
      host.stdout.write(shell === 'fish' ? fishScript(known) : bashScript(known, shell))
      return EXIT_CODES.passed
    },
  }
}

/** Words that may follow what was typed so far: the next word of a command's name, else its options. */
function nextWords(commands: readonly CommandDefinition[]): ReadonlyMap<string, ReadonlySet<string>> {
  const words = new Map<string, Set<string>>()
  const add = (typed: string, word: string) => words.set(typed, (words.get(typed) ?? new Set()).add(word))
  for (const { name, options } of commands) {
    const parts = name.split(' ')
    for (const [index, part] of parts.entries()) add(parts.slice(0, index).join(' '), part)
    for (const { flags } of options) add(name, flags.split(/[ ,]/)[0] ?? flags)
    add(name, '--help')
  }
  return words
}

function bashScript(commands: readonly CommandDefinition[], shell: 'bash' | 'zsh'): string {
  const offers = nextWords(commands)
  const cases = [...offers].map(([typed, words]) => `    '${typed}') words='${[...words].join(' ')}' ;;`)
  const known = [...offers.keys()].filter((typed) => typed !== '').map((typed) => `'${typed}'`)
  const lines = [
    ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    '_sonia() {',
    "  local typed='' words='' word",
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    // What is no word of a command is a value or an argument: the options of the command are still to come.
    `    case "\${typed:+$typed }$word" in ${known.join('|')}) typed="\${typed:+$typed }$word" ;; esac`,
    '  done',
    '  case $typed in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _sonia sonia ./sonia',
    '',
  ]
  return lines.join('\n')
}

function fishScript(commands: readonly CommandDefinition[]): string {
  const seen = (name: string) => `-n '__fish_seen_subcommand_from ${name.split(' ').at(-1)}'`
  const lines = commands.flatMap(({ name, summary, options }) => {
    const [first = name, second] = name.split(' ')
    const text = summary.replaceAll("'", '')
    const command =
      second === undefined
        ? `complete -c sonia -n __fish_use_subcommand -a ${first} -d '${text}'`
        : `complete -c sonia ${seen(first)} -a ${second} -d '${text}'`
    const flags = options.map(({ flags: one, help }) => {
      const long = (one.split(/[ ,]/)[0] ?? one).replace(/^--/, '')
      return `complete -c sonia ${seen(name)} -l ${long} -d '${help.replaceAll("'", '')}'`
    })
    return [command, ...flags]
  })
  return `${lines.join('\n')}\n`
}
