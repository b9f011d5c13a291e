import { homeOf } from '#ops/command-settings.ts'
import { bringDown, type DownOutcome } from '#ops/down.ts'
import { describeIdentity } from '#ops/leftovers.ts'
import { isClean } from '#ops/stack-proof.ts'
import { stateHome } from '#ops/state-home.ts'
import { type CommandDefinition, flagOption } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { HOME_OPTION } from '../state-options.ts'
import { wireNames } from '../wire-names.ts'

export const command: CommandDefinition = {
  name: 'down',
  summary: 'stop the stack of this state folder, and prove that nothing of it is left',
  arguments: [],
  options: [HOME_OPTION, { flags: '--json', help: 'print as JSON' }],
  examples: ['./sonia down'],
  async run(args, host) {
    const outcome = await bringDown(stateHome(homeOf(host)), {
      host,
      interruptedTwice: host.interruptedTwice,
    })
    host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(wireNames(outcome))}\n` : textOf(outcome))
    return EXIT_CODES.passed
  },
}

function textOf(outcome: DownOutcome): string {
  const lines = [...summaryLines(outcome), ...leftoverLines(outcome)]
  return `${(lines.length === 0 ? ['Nothing was running.'] : lines).join('\n')}\n`
}

function summaryLines({ wasRunning, summary }: DownOutcome): readonly string[] {
  if (!wasRunning) return []
  if (summary === undefined) return ['The supervisor had to be killed; what it had started is gone too.']
  const { stack, watch } = summary
  const reports = [stack, watch].filter((report) => report !== undefined)
  const killed = reports.flatMap((report) => report.killed)
  const seconds = ((stack?.stopMs ?? 0) / 1_000).toFixed(2)
  return [
    `Six services stopped in ${seconds} s, the watching side in ${((watch?.stopMs ?? 0) / 1_000).toFixed(2)} s.`,
    ...(killed.length === 0 ? [] : [`SIGTERM was not enough for: ${killed.join(', ')}`]),
    ...(reports.every(isClean)
      ? ['Left behind: 0 processes, 0 zombies, all ports free.']
      : reports.flatMap((report) => [
          ...report.leftovers.map((entry) => `left behind and killed: ${describeIdentity(entry)}`),
          ...report.zombies.map((entry) => `zombie: ${describeIdentity(entry)}`),
          ...report.portsBusy.map((holder) => `port ${holder.port} is still held by ${holder.command}`),
        ])),
  ]
}

function leftoverLines({ leftovers }: DownOutcome): readonly string[] {
  return leftovers.removed.map((entry) => `stopped a leftover of an earlier run: ${describeIdentity(entry)}`)
}
