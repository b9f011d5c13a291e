import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { homeOf } from '#ops/command-settings.ts'
import { type CommandDefinition, textOption } from '../command.ts'
import { MACHINE_PUBLIC_KEY_FILE } from '../evidence/machine-key.ts'
import { trustFromKey } from '../evidence/trust.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import { executionLog, readRuns } from '../release/execution-log.ts'
import { HOME_OPTION } from '../state-options.ts'

export const command: CommandDefinition = {
  name: 'release log',
  summary: 'render the log of all runs from their bundles, as Markdown',
  options: [
    { flags: '--artifacts <folder>', help: 'folder of the bundles', fallback: 'artifacts' },
    { flags: '--key <file>', help: 'public key that must have signed (default: this machine’s own)' },
    HOME_OPTION,
  ],
  arguments: [],
  examples: ['./sonia release log > PHASE_3_EXECUTION_LOG.md'],
  async run(args, host) {
    const own = join(homeOf(host), 'config', MACHINE_PUBLIC_KEY_FILE)
    const keyFile = textOption(args, 'key')
    const key = await readFile(keyFile === undefined ? own : resolve(host.cwd, keyFile), 'utf8').catch(
      (cause: unknown) => {
        throw new CliError(EXIT_CODES.badInput, `${keyFile ?? own} cannot be read`, {
          hint: 'name the public key that signed the bundles: --key <file>',
          cause,
        })
      },
    )
    const folder = resolve(host.cwd, textOption(args, 'artifacts') ?? 'artifacts')
    const runs = await readRuns(folder, trustFromKey(key)).catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new CliError(EXIT_CODES.badInput, `the bundles below ${folder} cannot be read: ${message}`, {
        hint: 'name the folder that holds the bundles: --artifacts <folder>',
        cause,
      })
    })
    host.stdout.write(executionLog(runs))
    return EXIT_CODES.passed
  },
}
