import { existsSync } from 'node:fs'
import { SERVICE_NAMES } from '#catalog'
import { homeOf } from '#ops/command-settings.ts'
import { createFollower } from '#ops/logs/follow-logs.ts'
import { LOG_LEVELS, type LogFilter, type MergedLine } from '#ops/logs/log-line.ts'
import { readLogs } from '#ops/logs/read-logs.ts'
import { renderLogLine } from '#ops/logs/render-log.ts'
import { stateHome } from '#ops/state-home.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { HOME_OPTION } from '../state-options.ts'

const DEFAULT_LINES = 200
const POLL_MS = 200
const SOURCES: readonly string[] = [...SERVICE_NAMES, 'supervisor']

export const command: CommandDefinition = {
  name: 'logs',
  summary: 'merged logs of all services, in time order',
  arguments: [{ name: '[services...]', help: `only these (${SOURCES.join(', ')})` }],
  options: [
    { flags: '--level <level>', help: `this level and worse: ${LOG_LEVELS.join(', ')}`, fallback: 'INFO' },
    { flags: '--correlation-id <id>', help: 'only the lines of one request' },
    { flags: '--since <time>', help: 'ISO time, or seconds back such as 90' },
    { flags: '--lines <count>', help: `how many at most (default: ${DEFAULT_LINES})` },
    { flags: '--follow', help: 'go on as lines are written, until Ctrl-C' },
    HOME_OPTION,
    { flags: '--json', help: 'the lines as they stand in the files' },
  ],
  examples: [
    './sonia logs --follow',
    './sonia logs openclaw eva-os --level WARN',
    './sonia logs --correlation-id req_abc',
  ],
  async run(args, host) {
    const filter = filterOf(args, host)
    const folder = stateHome(homeOf(host)).logs
    const isFollowing = flagOption(args, 'follow')
    if (!isFollowing && !existsSync(folder)) throw noLogs(folder)
    const follow = isFollowing ? createFollower(folder, filter) : undefined
    const print = printerOf(args, host)
    print(await readLogs(folder, filter, linesOf(args)))
    while (follow !== undefined && !host.interrupted.aborted) {
      print(follow())
      await host.clock.sleep(POLL_MS, host.interrupted)
    }
    return EXIT_CODES.passed
  },
}

function noLogs(folder: string): CliError {
  const hint = './sonia up starts what writes them; SONIA_HOME says where'
  return new CliError(EXIT_CODES.badInput, `there are no logs: ${folder} does not exist`, { hint })
}

function filterOf(args: CommandArguments, host: Host): LogFilter {
  const unknown = args.positionals.find((name) => !SOURCES.includes(name))
  if (unknown !== undefined) throw usage(`there is no service "${unknown}"`, `one of: ${SOURCES.join(', ')}`)
  const asked = (textOption(args, 'level') ?? 'INFO').toUpperCase()
  const minLevel = LOG_LEVELS.find((level) => level === asked)
  if (minLevel === undefined) throw usage(`there is no level "${asked}"`, `one of: ${LOG_LEVELS.join(', ')}`)
  return {
    services: new Set(args.positionals),
    minLevel,
    correlationId: textOption(args, 'correlationId'),
    since: sinceOf(textOption(args, 'since'), host),
  }
}

function sinceOf(text: string | undefined, host: Host): string | undefined {
  if (text === undefined) return undefined
  const time = /^\d+$/.test(text) ? host.clock.nowMs() - Number(text) * 1_000 : Date.parse(text)
  if (Number.isNaN(time)) throw usage(`"${text}" is no time`, '--since 2026-02-08T09:30:00Z, or --since 90')
  return new Date(time).toISOString()
}

function linesOf(args: CommandArguments): number {
  const text = textOption(args, 'lines') ?? String(DEFAULT_LINES)
  if (!/^[1-9]\d{0,6}$/.test(text)) throw usage(`"${text}" is no number of lines`, '--lines 500')
  return Number(text)
}

function printerOf(args: CommandArguments, host: Host) {
  const json = flagOption(args, 'json')
  const colour = host.stdout.isTerminal && host.env['NO_COLOR'] === undefined
  return (lines: readonly MergedLine[]) => {
    for (const { line, raw } of lines) host.stdout.write(`${json ? raw : renderLogLine(line, colour)}\n`)
  }
}

function usage(message: string, hint: string): CliError {
  return new CliError(EXIT_CODES.badUsage, message, { hint })
}
