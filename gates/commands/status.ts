import { homeOf, portBaseOf } from '#ops/command-settings.ts'
import { stateHome } from '#ops/state-home.ts'
import { renderDashboard } from '#ops/status/dashboard.ts'
import { nothingRuns, readStatus, type StatusAnswer } from '#ops/status/status.ts'
import { runningSupervisor } from '#ops/supervisor-record.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { HOME_OPTION, RUNNING_PORT_BASE_OPTION } from '../state-options.ts'
import { wireNames } from '../wire-names.ts'

const REFRESH_MS = 2_000
const CLEAR_SCREEN = '\u001B[2J\u001B[H'

export const command: CommandDefinition = {
  name: 'status',
  summary: 'the production dashboard with live figures from Prometheus',
  arguments: [],
  options: [
    { flags: '--watch', help: 'draw again every 2 s, until Ctrl-C' },
    RUNNING_PORT_BASE_OPTION,
    HOME_OPTION,
    { flags: '--json', help: 'print as JSON' },
  ],
  examples: ['./sonia status', './sonia status --watch'],
  async run(args, host) {
    const portBase = runningPortBase(args, host)
    let answer = await readStatus(portBase)
    print(answer, portBase, args, host)
    while (flagOption(args, 'watch') && !host.interrupted.aborted) {
      await host.clock.sleep(REFRESH_MS, host.interrupted)
      answer = await readStatus(portBase)
      print(answer, portBase, args, host)
    }
    return nothingRuns(answer) ? EXIT_CODES.componentMissing : EXIT_CODES.passed
  },
}

function runningPortBase(args: CommandArguments, host: Host): number {
  const asked = textOption(args, 'portBase')
  const running = runningSupervisor(stateHome(homeOf(host)))
  return asked === undefined && running !== undefined ? running.port_base : portBaseOf(asked, host)
}

function print(answer: StatusAnswer, portBase: number, args: CommandArguments, host: Host): void {
  if (flagOption(args, 'json')) {
    host.stdout.write(`${JSON.stringify(jsonOf(answer, portBase))}\n`)
    return
  }
  const colour = host.stdout.isTerminal && host.env['NO_COLOR'] === undefined
  const note = nothingRuns(answer) ? 'No service answers: ./sonia up starts them' : answer.note
  const clear = flagOption(args, 'watch') && host.stdout.isTerminal ? CLEAR_SCREEN : ''
  host.stdout.write(clear + renderDashboard(answer.figures, { portBase, colour, note }))
}

function jsonOf({ figures, note }: StatusAnswer, portBase: number): unknown {
  const at = (seconds: number | null) => (seconds === null ? null : new Date(seconds * 1_000).toISOString())
  return wireNames({
    portBase,
    note: note ?? null,
    ...figures,
    nextBackupAt: at(figures.nextBackupAt),
    lastVerifiedBackupAt: at(figures.lastVerifiedBackupAt),
  })
}
