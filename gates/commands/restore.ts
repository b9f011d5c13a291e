import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { folderToRestoreFrom } from '#ops/backup/backup-settings.ts'
import { realFileSystem } from '#ops/backup/file-system.ts'
import { findBackup } from '#ops/backup/find-backup.ts'
import { type Restored, restoreBackup } from '#ops/backup/restore-backup.ts'
import { ownTrust, type Trust } from '#ops/backup/signing.ts'
import { PARTS, type Part } from '#ops/backup/state-files.ts'
import { homeOf } from '#ops/command-settings.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { HOME_OPTION } from '../state-options.ts'

export const command: CommandDefinition = {
  name: 'restore',
  summary: 'check a backup and put it in place of the state, keeping what was there',
  arguments: [{ name: '<backup>', help: 'an id, a path, or "latest" (the newest verified one)' }],
  options: [
    { flags: '--to <folder>', help: 'restore into another state folder' },
    { flags: '--only <parts>', help: `some of ${Object.keys(PARTS).join(',')}` },
    { flags: '--key <file>', help: 'public key (PEM) of the machine that made it; its own one by default' },
    { flags: '--dry-run', help: 'check everything, change nothing; also while the stack runs' },
    HOME_OPTION,
    { flags: '--json', help: 'print as JSON' },
  ],
  examples: ['./sonia restore latest --dry-run', './sonia restore latest --only policies'],
  async run(args, host) {
    const home = homeOf(host)
    const to = textOption(args, 'to')
    const isDryRun = flagOption(args, 'dryRun')
    const restored = await restoreBackup({
      backup: findBackup(namedBackup(args, host), {
        folder: folderToRestoreFrom(home),
        files: realFileSystem,
        nowMs: host.clock.nowMs(),
      }),
      to: to === undefined ? home : resolve(host.cwd, to),
      trust: trustOf(args, host, home),
      only: partsOf(textOption(args, 'only')),
      isDryRun,
      files: realFileSystem,
      nowMs: () => host.clock.nowMs(),
    })
    host.stdout.write(
      flagOption(args, 'json')
        ? `${JSON.stringify(jsonOf(restored, isDryRun))}\n`
        : textOf(restored, isDryRun),
    )
    return EXIT_CODES.passed
  },
}

/** A path is one of where the command was called. */
function namedBackup({ positionals: [named = ''] }: CommandArguments, host: Host): string {
  return named.includes('/') ? resolve(host.cwd, named) : named
}

function trustOf(args: CommandArguments, host: Host, home: string): Trust {
  const key = textOption(args, 'key')
  if (key === undefined) return ownTrust(join(home, 'config'), realFileSystem)
  const path = resolve(host.cwd, key)
  try {
    return { keys: [readFileSync(path, 'utf8')] }
  } catch (cause) {
    throw new CliError(EXIT_CODES.badInput, `${path} cannot be read`, {
      hint: 'name the backup.pub of that machine',
      cause,
    })
  }
}

function partsOf(text: string | undefined): readonly Part[] | null {
  if (text === undefined) return null
  return text.split(',').map((name) => {
    if (Object.hasOwn(PARTS, name)) return name as Part
    throw new CliError(EXIT_CODES.badUsage, `restore: unknown part "${name}"`, {
      hint: `some of ${Object.keys(PARTS).join(', ')}`,
    })
  })
}

function jsonOf(restored: Restored, isDryRun: boolean) {
  const { id, createdAt, sentinel, replaced, removed, safetyFolder, safetyRemoved, heldBy } = restored
  return {
    id,
    created_at: createdAt,
    sentinel,
    replaced,
    removed,
    safety_folder: safetyFolder,
    safety_removed: safetyRemoved,
    swap_pending: restored.isSwapPending,
    held_by: heldBy,
    duration_ms: restored.durationMs,
    dry_run: isDryRun,
  }
}

function textOf(restored: Restored, isDryRun: boolean): string {
  const { id, createdAt, sentinel, replaced, safetyFolder, safetyRemoved, heldBy, durationMs } = restored
  const memories = sentinel === null ? '' : `, ${sentinel.memories} memories`
  if (isDryRun) {
    const first =
      heldBy.length === 0 ? '' : 'The stack holds the data: ./sonia down before the restore itself.\n'
    const pending = restored.isSwapPending
      ? 'An earlier restore was interrupted: ./sonia up finishes it, and so does the restore itself, before it begins.\n'
      : ''
    return `${id} of ${createdAt} is whole${memories}; nothing was changed.\n${pending}${first}`
  }
  const kept = safetyFolder === null ? '' : `What was there before: ${safetyFolder}\n`
  const gone =
    safetyRemoved.length === 0 ? '' : `Removed what earlier restores had kept: ${safetyRemoved.join(', ')}\n`
  return `Restored ${id} of ${createdAt}: ${replaced.length} files${memories}, in ${(durationMs / 1000).toFixed(1)} s.\n${kept}${gone}Then: ./sonia up\n`
}
