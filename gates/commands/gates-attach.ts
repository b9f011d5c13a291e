import { open, readFile } from 'node:fs/promises'
import { homeOf } from '#ops/command-settings.ts'
import type { CommandDefinition } from '../command.ts'
import { CliError, EXIT_CODES, type ExitCode, knownExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { type DetachedRun, findDetached } from '../runners/detached-run.ts'
import { HOME_OPTION } from '../state-options.ts'

const LOOK_MS = 200

export const command: CommandDefinition = {
  name: 'gates attach',
  summary: 'follow a run that was started with --detach, and end with its exit code',
  options: [HOME_OPTION],
  arguments: [{ name: '[run]', help: 'as --detach named it (default: the newest)' }],
  examples: ['./sonia gates attach   # Ctrl-C leaves the run alone'],
  async run(args, host) {
    const run = await findDetached(homeOf(host), args.positionals[0])
    if (run !== null) return follow(run, host)
    throw new CliError(EXIT_CODES.badUsage, `there is no detached run ${args.positionals[0] ?? ''}`.trim(), {
      hint: 'start one: ./sonia gates --detach',
    })
  },
}

async function follow(run: DetachedRun, host: Host): Promise<ExitCode> {
  const log = await open(run.log)
  const print = async () => {
    const { bytesRead, buffer } = await log.read({ buffer: Buffer.alloc(65_536) })
    if (bytesRead > 0) host.stdout.write(buffer.toString('utf8', 0, bytesRead))
    return bytesRead > 0
  }
  try {
    while (!host.interrupted.aborted) {
      // Looked at before the log: what was written before the end is printed before the end is told.
      const code = await exitCodeOf(run)
      while (await print());
      if (code !== null) return code
      await host.clock.sleep(LOOK_MS, host.interrupted)
    }
    return EXIT_CODES.interrupted
  } finally {
    await log.close()
  }
}

/** Null while it runs. A run that was killed has no exit code: nothing was demonstrated. */
async function exitCodeOf(run: DetachedRun): Promise<ExitCode | null> {
  const isAlive = isRunning(run.processGroup)
  const text = await readFile(run.exitCodeFile, 'utf8').catch(() => '')
  if (text.trim() !== '') return knownExitCode(Number(text))
  if (isAlive) return null
  throw new CliError(EXIT_CODES.inconclusive, `the run ${run.name} was killed before its end`, {
    hint: `its output so far is ${run.log}; run the gates again`,
  })
}

function isRunning(processGroup: number): boolean {
  try {
    return process.kill(-processGroup, 0)
  } catch {
    return false
  }
}
