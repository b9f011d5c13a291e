import { resolve } from 'node:path'
import { homeOf, portBaseOf } from '#ops/command-settings.ts'
import { NEEDED_BYTES_MIN } from '#ops/preflight/options.ts'
import type { PreflightReport } from '#ops/preflight/report.ts'
import { runPreflight } from '#ops/preflight/run-preflight.ts'
import { sarifOf } from '#ops/preflight/sarif.ts'
import { preflightText } from '#ops/preflight/text.ts'
import { servicePorts } from '#ops/service-programs.ts'
import { stateHome } from '#ops/state-home.ts'
import { runningSupervisor } from '#ops/supervisor-record.ts'
import { watchPorts } from '#ops/watch.ts'
import packageFile from '../../package.json' with { type: 'json' }
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { HOME_OPTION, PORT_BASE_OPTION } from '../state-options.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'

export const command: CommandDefinition = {
  name: 'preflight',
  summary: 'check secrets, settings, file modes, policies, ports, disk and versions before a start',
  arguments: [{ name: '[bundles...]', help: 'evidence bundles to look through for secrets as well' }],
  options: [
    PORT_BASE_OPTION,
    { flags: '--history', help: 'also look through every blob of the git history' },
    HOME_OPTION,
    { flags: '--json', help: 'print as JSON' },
    { flags: '--sarif', help: 'print as SARIF 2.1.0' },
  ],
  examples: ['./sonia preflight', './sonia preflight --history --sarif > preflight.sarif'],
  async run(args, host) {
    const folders = stateHome(homeOf(host))
    const portBase = portBaseOf(textOption(args, 'portBase'), host)
    const isRunning = runningSupervisor(folders) !== undefined
    const ports = [...Object.values(servicePorts(portBase)), ...Object.values(watchPorts(portBase))]
    const report = await runPreflight({
      repo: host.repository,
      folders,
      host,
      ports: isRunning ? [] : ports,
      neededBytes: NEEDED_BYTES_MIN,
      bundles: args.positionals.map((path) => resolve(host.cwd, path)),
      history: flagOption(args, 'history'),
    })
    print(report, args, host)
    return exitCodeOf(report)
  },
}

/** What this machine lacks is 69, as at a start; what is wrong in the files is 65. */
function exitCodeOf({ ok, checks }: PreflightReport): ExitCode {
  if (ok) return EXIT_CODES.passed
  const failed = checks.filter(({ outcome }) => outcome === 'fail')
  const isMachine = failed.every(({ id }) => ['ports', 'disk-space', 'versions'].includes(id))
  return isMachine ? EXIT_CODES.componentMissing : EXIT_CODES.badInput
}

function print(report: PreflightReport, args: CommandArguments, host: Host): void {
  if (flagOption(args, 'sarif')) {
    host.stdout.write(`${JSON.stringify(sarifOf(report, packageFile.version), null, 2)}\n`)
  } else if (flagOption(args, 'json')) host.stdout.write(`${JSON.stringify(report)}\n`)
  else host.stdout.write(preflightText(report))
}
