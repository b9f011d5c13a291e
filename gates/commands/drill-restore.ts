import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { writeWhole } from '#ops/write-whole.ts'
import { buildMissing } from '#tools/build.ts'
import { buildProgressPrinter } from '#tools/progress.ts'
import { homeOf, portBaseOf } from '#ops/command-settings.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { type Profile, PROFILES } from '../profiles.ts'
import { createProgress } from '../runners/progress.ts'
import { type GateRun, type GateRunOptions, withGateRun } from '../runners/run-gates.ts'
import { summaryTable } from '../runners/summary-table.ts'
import { HOME_OPTION, PORT_BASE_OPTION } from '../state-options.ts'

const TIMES_MAX = 100_000

export const command: CommandDefinition = {
  name: 'drill restore',
  summary:
    'write, back up, kill, lose power, restore elsewhere and look for every row: gate 4 alone, as hard as you like',
  arguments: [],
  options: [
    { flags: '--kills <n>', help: `SIGKILLs of memory-engine (default: ${PROFILES.ci.kills})` },
    {
      flags: '--state-kills <n>',
      help: `SIGKILLs of eva-os, and as many of pipecat (default: ${PROFILES.ci.stateKills})`,
    },
    { flags: '--power-losses <n>', help: `disks rebuilt (default: ${PROFILES.ci.powerLossImages})` },
    PORT_BASE_OPTION,
    { flags: '--out <folder>', help: 'leave restore-drill.json and power-losses.json there' },
    HOME_OPTION,
    { flags: '--json', help: 'print the verdict as JSON' },
  ],
  examples: ['./sonia drill restore', './sonia drill restore --kills 1000 --power-losses 200 --out drill'],
  async run(args, host) {
    const options = optionsOf(args, host)
    await buildMissing(host, buildProgressPrinter(host))
    try {
      return await withGateRun(options, async (run) => {
        keepFiles(run, textOption(args, 'out'), host)
        options.progress.done()
        const { verdict } = run.judgement
        host.stdout.write(
          flagOption(args, 'json') ? `${JSON.stringify(verdict)}\n` : summaryTable(verdict, host),
        )
        if (verdict.verdict === 'PASS') return EXIT_CODES.passed
        return verdict.verdict === 'FAIL' ? EXIT_CODES.gateFailed : EXIT_CODES.inconclusive
      })
    } finally {
      await rm(options.home, { recursive: true, force: true })
    }
  },
}

function keepFiles({ files }: GateRun, out: string | undefined, host: Host): void {
  if (out === undefined) return
  mkdirSync(resolve(host.cwd, out), { recursive: true })
  for (const { path, content } of files) {
    const name = path.split('/').at(-1) ?? path
    if (typeof content === 'object' && 'file' in content) continue
    writeWhole(join(resolve(host.cwd, out), name), content, 0o644)
  }
}

function optionsOf(args: CommandArguments, host: Host): GateRunOptions {
  const home = homeOf(host)
  const runId = `drill-${randomBytes(4).toString('hex')}`
  return {
    profile: profileOf(args),
    gates: ['durability'],
    keepGoing: true,
    home: join(home, 'gates', runId),
    portBase: portBaseOf(textOption(args, 'portBase'), host),
    runId,
    host,
    // Standard output belongs to the result.
    progress: createProgress(host.stderr, host.clock),
    criteriaFolder: resolve(host.repository, 'gates', 'criteria'),
    configurationSources: [join(home, 'config'), join(host.repository, 'config')],
  }
}

function profileOf(args: CommandArguments): Profile {
  return {
    ...PROFILES.ci,
    kills: timesOption(args, 'kills', PROFILES.ci.kills),
    stateKills: timesOption(args, 'stateKills', PROFILES.ci.stateKills),
    powerLossImages: timesOption(args, 'powerLosses', PROFILES.ci.powerLossImages),
  }
}

function timesOption(args: CommandArguments, name: string, fallback: number): number {
  const text = textOption(args, name)
  if (text === undefined) return fallback
  const times = Number(text)
  if (Number.isInteger(times) && times >= 1 && times <= TIMES_MAX) return times
  throw new CliError(EXIT_CODES.badUsage, `drill restore: "${text}" is no number of times`, {
    hint: `a whole number from 1 to ${TIMES_MAX}`,
  })
}
