import { join } from 'node:path'
import { backupSettings } from '#ops/backup/backup-settings.ts'
import { realFileSystem } from '#ops/backup/file-system.ts'
import { backupIds, isVerified } from '#ops/backup/folders.ts'
import { MANIFEST_NAME, readManifest } from '#ops/backup/manifest.ts'
import { homeOf } from '#ops/command-settings.ts'
import { type CommandArguments, type CommandDefinition, flagOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import { HOME_OPTION } from '../state-options.ts'

export const command: CommandDefinition = {
  name: 'backups',
  summary: 'list the backups, newest last; only verified ones count',
  arguments: [{ name: '[action]', help: 'list (default: list)' }],
  options: [HOME_OPTION, { flags: '--json', help: 'print as JSON' }],
  examples: ['./sonia backups'],
  async run(args, host) {
    refuseOtherActions(args)
    const { folder } = backupSettings(homeOf(host))
    const rows = backupIds(folder, realFileSystem).map((id) => rowOf(join(folder, id), id))
    if (flagOption(args, 'json')) host.stdout.write(`${JSON.stringify({ folder, backups: rows })}\n`)
    else
      host.stdout.write(
        rows.length === 0 ? `No backup in ${folder}. Make one: ./sonia backup\n` : table(rows),
      )
    return EXIT_CODES.passed
  },
}

function refuseOtherActions({ positionals: [action = 'list'] }: CommandArguments): void {
  if (action === 'list') return
  const hint = './sonia backups list; ./sonia backup makes one, ./sonia restore brings one back'
  throw new CliError(EXIT_CODES.badUsage, `backups: there is no action "${action}"`, { hint })
}

interface Row {
  readonly id: string
  readonly created_at: string | null
  readonly bytes: number | null
  readonly memories: number | null
  readonly verified: boolean
}

/** An unreadable manifest is shown as such: the list must not fail because one backup is bad. */
function rowOf(backup: string, id: string): Row {
  const verified = isVerified(backup, realFileSystem)
  try {
    const path = join(backup, MANIFEST_NAME)
    const { created_at, files, sentinel } = readManifest(realFileSystem.read(path), path)
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    return { id, created_at, bytes, memories: sentinel?.memories ?? 0, verified }
  } catch {
    return { id, created_at: null, bytes: null, memories: null, verified: false }
  }
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ id, bytes, memories, verified }) =>
    bytes === null
      ? `${id}  unreadable`
      : `${id}  ${String(bytes).padStart(12)} bytes  ${String(memories).padStart(8)} memories  ${verified ? 'verified' : 'not verified'}`,
  )
  return `${lines.join('\n')}\n`
}
