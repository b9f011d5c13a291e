import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { backupSettings } from '#ops/backup/backup-settings.ts'
import { createBackup } from '#ops/backup/create-backup.ts'
import { realFileSystem } from '#ops/backup/file-system.ts'
import { homeOf } from '#ops/command-settings.ts'
import packageFile from '../../package.json' with { type: 'json' }
import { type CommandDefinition, flagOption, textOption } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { HOME_OPTION } from '../state-options.ts'

export const command: CommandDefinition = {
  name: 'backup',
  summary: 'copy the state while the stack runs, sign it, and prove it by restoring it into a scratch folder',
  arguments: [],
  options: [
    { flags: '--to <folder>', help: 'keep it there instead of the configured folder' },
    HOME_OPTION,
    { flags: '--json', help: 'print as JSON' },
  ],
  examples: ['./sonia backup', './sonia backup --to /mnt/other-disk/sonia'],
  async run(args, host) {
    const home = homeOf(host)
    const settings = backupSettings(home)
    const to = textOption(args, 'to')
    const folder = to === undefined ? settings.folder : resolve(host.cwd, to)
    const made = await createBackup({
      home,
      to: folder,
      ...(settings.secondFolder === undefined ? {} : { secondFolder: settings.secondFolder }),
      retention: settings.retention,
      reason: 'manual',
      version: packageFile.version,
      files: realFileSystem,
      nowMs: () => host.clock.nowMs(),
      random: randomBytes,
    })
    if (flagOption(args, 'json')) {
      const { id, path, bytes, durationMs, secondPath, removed } = made
      const answer = {
        id,
        path,
        bytes,
        duration_ms: durationMs,
        second_path: secondPath,
        verified: true,
        removed,
      }
      host.stdout.write(`${JSON.stringify(answer)}\n`)
    } else {
      host.stdout.write(
        `Backup ${made.id}: ${made.bytes} bytes in ${(made.durationMs / 1000).toFixed(1)} s, restored into a scratch folder and found whole.\n` +
          `  ${made.path}\n${made.secondPath === null ? '' : `  ${made.secondPath}\n`}` +
          (made.removed.length === 0 ? '' : `Retention removed ${made.removed.length} older ones.\n`),
      )
    }
    return EXIT_CODES.passed
  },
}
