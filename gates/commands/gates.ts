import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { readReceivers } from '#ops/alerts/receivers.ts'
import { compactTime } from '#ops/compact-time.ts'
import { buildMissing } from '#tools/build.ts'
import { buildProgressPrinter } from '#tools/progress.ts'
import { homeOf, portBaseOf } from '#ops/command-settings.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import type { Verdict } from '../engine/types.ts'
import { MACHINE_PUBLIC_KEY_FILE } from '../evidence/machine-key.ts'
import { CliError, EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { DEFAULT_PROFILE, PROFILE_NAMES, type Profile, profileNamed } from '../profiles.ts'
import { startDetached } from '../runners/detached-run.ts'
import { createProgress, silentProgress } from '../runners/progress.ts'
import { GATE_RUNNERS, type GateRunOptions, withGateRun } from '../runners/run-gates.ts'
import { summaryTable } from '../runners/summary-table.ts'
import { writeEvidence } from '../runners/write-evidence.ts'
import { HOME_OPTION, PORT_BASE_OPTION } from '../state-options.ts'

const GATE_NAMES = [...GATE_RUNNERS.keys()]

export const command: CommandDefinition = {
  name: 'gates',
  summary: 'run the release gates in order, judge them, leave signed evidence under artifacts/',
  options: [
    { flags: '--profile <name>', help: `one of ${PROFILE_NAMES.join(', ')}`, fallback: DEFAULT_PROFILE },
    { flags: '--only <gates>', help: `some of ${GATE_NAMES.join(',')}; never yields release evidence` },
    { flags: '--detach', help: 'run on when this terminal is gone; follow it with ./sonia gates attach' },
    { flags: '--keep-going', help: 'run the next gate although one did not pass' },
    PORT_BASE_OPTION,
    HOME_OPTION,
    { flags: '--json', help: 'print the verdict as JSON and nothing else' },
  ],
  arguments: [],
  examples: ['./sonia gates', './sonia gates --profile ci', './sonia gates --only soak --keep-going'],
  async run(args, host) {
    const profile = profileNamed(textOption(args, 'profile') ?? DEFAULT_PROFILE)
    const home = homeOf(host)
    const options = optionsOf(args, { host, profile, home })
    if (flagOption(args, 'detach')) return detach(home, host)
    await buildMissing(host, buildProgressPrinter(host))
    options.progress.say(`run ${options.runId}, profile ${profile.name}`)
    const exitCode = await withGateRun(options, async (run) => {
      const artifactsFolder = join(host.repository, 'artifacts')
      const bundle = await writeEvidence(run, options, { artifactsFolder, operatorHome: home })
      options.progress.done()
      const { verdict } = run.judgement
      if (flagOption(args, 'json')) {
        host.stdout.write(`${JSON.stringify({ run_id: options.runId, bundle: bundle.path, ...verdict })}\n`)
      } else {
        const evidence = evidenceText(bundle.path, { repository: host.repository, home })
        host.stdout.write(`\n${summaryTable(verdict, host)}${evidence}`)
      }
      return exitCodeOf(verdict.verdict)
    })
    await rm(options.home, { recursive: true, force: true })
    return exitCode
  },
}

async function detach(home: string, host: Host): Promise<ExitCode> {
  const argv = host.argv.filter((word) => word !== '--detach')
  const { name, log, processGroup } = await startDetached(home, argv, host)
  host.stdout.write(
    `run ${name} goes on without this terminal\n  output:  ${log}\n  follow:  ./sonia gates attach\n  stop it: kill -INT -- -${processGroup}\n`,
  )
  return EXIT_CODES.passed
}

/** Where the evidence lies, and how to check it. */
function evidenceText(bundle: string, { repository, home }: { repository: string; home: string }): string {
  const key = join(home, 'config', MACHINE_PUBLIC_KEY_FILE)
  const [place, report, keyFile] = [bundle, join(bundle, 'report.html'), key].map((path) =>
    shownPath(path, repository),
  )
  return `evidence: ${place}\nreport:   ${report}\ncheck it: ./sonia verify ${place} --key ${keyFile}\n`
}

/** As a person would type it from the repository's folder. */
function shownPath(path: string, repository: string): string {
  const inside = relative(repository, path)
  const shown = inside.startsWith('..') ? path : inside
  return /^[\w./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`
}

function optionsOf(
  args: CommandArguments,
  { host, profile, home }: { host: Host; profile: Profile; home: string },
): GateRunOptions {
  const runId = newRunId(profile, host)
  return {
    profile,
    gates: gatesOption(textOption(args, 'only')),
    keepGoing: flagOption(args, 'keepGoing'),
    home: join(home, 'gates', runId),
    portBase: portBaseOf(textOption(args, 'portBase'), host),
    runId,
    host,
    progress: flagOption(args, 'json') ? silentProgress : createProgress(host.stdout, host.clock),
    criteriaFolder: resolve(host.repository, 'gates', 'criteria'),
    configurationSources: [join(home, 'config'), join(host.repository, 'config')],
    // The operator's own, as `./sonia up` takes them.
    receivers: readReceivers({ config: join(home, 'config'), home }),
  }
}

function gatesOption(only: string | undefined): readonly string[] {
  if (only === undefined) return GATE_NAMES
  const names = only.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !GATE_NAMES.includes(name))
  if (unknown.length === 0) return names
  throw new CliError(EXIT_CODES.badUsage, `there is no gate "${unknown.join('", "')}"`, {
    hint: `some of ${GATE_NAMES.join(',')}`,
  })
}

/** "20261124T190512Z-ci-1f2a3b4c": sorts by time, differs between runs of one second. */
function newRunId(profile: Profile, host: Host): string {
  return `${compactTime(host.clock.nowMs())}-${profile.name}-${randomBytes(4).toString('hex')}`
}

function exitCodeOf(verdict: Verdict): ExitCode {
  if (verdict === 'PASS') return EXIT_CODES.passed
  return verdict === 'FAIL' ? EXIT_CODES.gateFailed : EXIT_CODES.inconclusive
}
