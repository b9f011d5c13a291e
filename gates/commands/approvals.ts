import { homeOf, portBaseOf } from '#ops/command-settings.ts'
import { approvalsText, approvalText, nextStepText } from '#ops/people/approvals-text.ts'
import { type EvaClient, evaClient } from '#ops/people/eva-client.ts'
import { stateHome } from '#ops/state-home.ts'
import { runningSupervisor } from '#ops/supervisor-record.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { CliError, EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { HOME_OPTION, RUNNING_PORT_BASE_OPTION } from '../state-options.ts'

const REFRESH_MS = 1_000
const CLEAR_SCREEN = '\u001B[2J\u001B[H'
const TOKEN_ID_LENGTH = 'apr_'.length + 32
/** Enough that a slip of the finger names nothing. */
const PREFIX_MIN = 8
const JSON_OPTION = { flags: '--json', help: 'print as JSON' }

const list: CommandDefinition = {
  name: 'approvals list',
  summary: 'calls that wait for a person: exactly what would run, and the time left',
  arguments: [],
  options: [
    RUNNING_PORT_BASE_OPTION,
    HOME_OPTION,
    { flags: '--watch', help: 'count down, until Ctrl-C' },
    JSON_OPTION,
  ],
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
    arguments: [{ name: '<token-id>', help: 'as ./sonia approvals list shows it, or how it begins' }],
    options: [
      RUNNING_PORT_BASE_OPTION,
      HOME_OPTION,
      { flags: '--reason <text>', help: 'kept in the audit' },
      JSON_OPTION,
    ],
    examples: [`./sonia approvals ${decision} apr_0123456789abcdef0123456789abcdef`],
    run: (args, host) => decide(decision, args, host),
  }
}

async function decide(decision: 'approve' | 'deny', args: CommandArguments, host: Host): Promise<ExitCode> {
  const [named = ''] = args.positionals
  const client = clientOf(args, host)
  const tokenId = await wholeTokenId(named, client)
  const decided = await client.decide(tokenId, decision, textOption(args, 'reason'))
  const next = decision === 'approve' ? nextStepText(decided, host.clock.nowMs()) : ''
  const text = `${approvalText(decided, host.clock.nowMs())}\n${next}`
  host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(decided)}\n` : text)
  return EXIT_CODES.passed
}

/** The id of the one open request that begins like this. A whole id is taken as it is: eva-os says what became of it. */
async function wholeTokenId(named: string, client: EvaClient): Promise<string> {
  if (named.length >= TOKEN_ID_LENGTH) return named
  const open = (await client.approvals()).map(({ token_id }) => token_id)
  const [found, other] = open.filter((id) => named.length >= PREFIX_MIN && id.startsWith(named))
  if (found !== undefined && other === undefined) return found
  const many = found === undefined ? 'no call that waits has' : 'more than one call that waits has'
  throw new CliError(EXIT_CODES.badInput, `${many} an id that begins with "${named}"`, {
    hint: `./sonia approvals list shows what waits; at least ${PREFIX_MIN} characters of the id`,
  })
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
