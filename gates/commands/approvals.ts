import { homeOf, portBaseOf } from '#ops/command-settings.ts'
import { approvalsText, approvalText } from '#ops/people/approvals-text.ts'
import { type EvaClient, evaClient } from '#ops/people/eva-client.ts'
import { stateHome } from '#ops/state-home.ts'
import { runningSupervisor } from '#ops/supervisor-record.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'

const REFRESH_MS = 1_000
const CLEAR_SCREEN = '\u001B[2J\u001B[H'
const PORT_OPTION = {
  flags: '--port-base <port>',
  help: 'first port of the set (default: that of the running stack)',
}
const JSON_OPTION = { flags: '--json', help: 'print as JSON' }

const list: CommandDefinition = {
  name: 'approvals list',
  summary: 'calls that wait for a person: exactly what would run, and the time left',
  arguments: [],
  options: [PORT_OPTION, { flags: '--watch', help: 'count down, until Ctrl-C' }, JSON_OPTION],
  examples: ['./sonia approvals list', './sonia approvals list --watch'],
  async run(args, host) {
    const client = clientOf(args, host)
    const isWatching = flagOption(args, 'watch')
    do {
      const approvals = await client.approvals()
      if (flagOption(args, 'json')) host.stdout.write(`${JSON.stringify({ approvals })}\n`)
      else {
        const clear = isWatching && host.stdout.isTerminal ? CLEAR_SCREEN : ''
        host.stdout.write(clear + approvalsText(approvals, host.clock.nowMs()))
      }
      if (isWatching) await host.clock.sleep(REFRESH_MS, host.interrupted)
    } while (isWatching && !host.interrupted.aborted)
    return EXIT_CODES.passed
  },
}

function deciding(decision: 'approve' | 'deny', summary: string): CommandDefinition {
  return {
    name: `approvals ${decision}`,
    summary,
    arguments: [{ name: '<token-id>', help: 'as ./sonia approvals list shows it' }],
    options: [PORT_OPTION, { flags: '--reason <text>', help: 'kept in the audit' }, JSON_OPTION],
    examples: [`./sonia approvals ${decision} apr_0123456789abcdef0123456789abcdef`],
    run: (args, host) => decide(decision, args, host),
  }
}

async function decide(decision: 'approve' | 'deny', args: CommandArguments, host: Host): Promise<ExitCode> {
  const [tokenId = ''] = args.positionals
  const decided = await clientOf(args, host).decide(tokenId, decision, textOption(args, 'reason'))
  const text = `${approvalText(decided, host.clock.nowMs())}\n`
  host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(decided)}\n` : text)
  return EXIT_CODES.passed
}

export const approvalCommands: readonly CommandDefinition[] = [
  list,
  deciding('approve', 'let one exact call run, once'),
  deciding('deny', 'refuse one call for good'),
]

/** eva-os of the stack that runs here, or of the named port base. */
export function clientOf(args: CommandArguments, host: Host): EvaClient {
  const folders = stateHome(homeOf(host))
  const asked = textOption(args, 'portBase')
  const running = runningSupervisor(folders)
  const portBase = asked === undefined && running !== undefined ? running.port_base : portBaseOf(asked, host)
  return evaClient(folders, portBase)
}
