import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { BackupError } from '#ops/backup/backup-error.ts'
import { checkBackup } from '#ops/backup/check-backup.ts'
import { realFileSystem } from '#ops/backup/file-system.ts'
import { ownTrust, type Trust } from '#ops/backup/signing.ts'
import { pause } from '../runners/gate-context.ts'
import { runBackupProcess } from './backup-process.ts'
import { DAMAGES, damagedCopy } from './damage.ts'
import { type DrillNeeds, type Original, tryRestore } from './drill-needs.ts'

const SMALL_DISK_BYTES = 64 * 1024

/** Damaged backups are refused by their own code; a mistake in a policy is undone alone; a full disk harms nothing. */
export async function drillFailures(
  needs: DrillNeeds,
  original: Original,
  restoredHome: string,
): Promise<void> {
  const { context, count } = needs
  const trust = ownTrust(join(original.home, 'config'), realFileSystem)
  const id = basename(original.backup)
  for (const damage of DAMAGES) {
    await pause(context, 1)
    const copy = damagedCopy(original.backup, id, join(context.home, 'durability', 'damaged'), damage)
    count(
      'damage',
      codeOf(() => checkBackup(copy, { files: realFileSystem, trust, depth: 'files' })) === damage.code,
      damage.what,
    )
  }
  drillMistake(needs, original, { home: restoredHome, trust })
  await drillFullDisk(needs, original, trust)
}

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    return error instanceof BackupError ? error.code : String(error)
  }
}

function drillMistake(
  needs: DrillNeeds,
  original: Original,
  { home, trust }: { home: string; trust: Trust },
): void {
  const folder = join(home, 'config', 'policies')
  const name = readdirSync(folder).find((candidate) => candidate.endsWith('.json')) ?? ''
  const good = readFileSync(join(folder, name), 'utf8')
  const configuration = join(home, 'config', 'sonia.json')
  writeFileSync(join(folder, name), '{"rules": "anything goes"}')
  writeFileSync(configuration, '{"log_level": "DEBUG"}')
  tryRestore(needs, { backup: original.backup, home, trust, only: ['policies'] })
  const isBack = readFileSync(join(folder, name), 'utf8') === good
  const isOnlyThat = readFileSync(configuration, 'utf8') === '{"log_level": "DEBUG"}'
  needs.count('mistake', isBack && isOnlyThat, 'policies were not restored alone')
}

async function drillFullDisk(
  { context, count }: DrillNeeds,
  original: Original,
  trust: Trust,
): Promise<void> {
  context.progress.at('durability: backup on a full disk')
  const { repository, env } = context.host
  const { home } = original
  const smallDisk = { folder: join(home, 'small-disk'), bytes: SMALL_DISK_BYTES }
  mkdirSync(smallDisk.folder, { recursive: true })
  configureBackup(home, { folder: smallDisk.folder })
  const full = await runBackupProcess({ repository, home, env, smallDisk })
  const isWhole =
    codeOf(() => checkBackup(original.backup, { files: realFileSystem, trust, depth: 'files' })) ===
    'accepted'
  count('full-disk', full.code === 'DISK_FULL' && isWhole, `ended with ${full.code ?? full.exitCode}`)
  configureBackup(home, {
    folder: join(home, 'backups'),
    second_folder: join(context.home, 'durability', 'second-disk'),
  })
  const second = await runBackupProcess({ repository, home, env })
  const copy = join(context.home, 'durability', 'second-disk', second.id ?? 'none')
  const isCopied =
    codeOf(() => checkBackup(copy, { files: realFileSystem, trust, depth: 'restored' })) === 'accepted'
  count('second-disk', second.exitCode === 0 && isCopied, `ended with ${second.code ?? second.exitCode}`)
}

function configureBackup(home: string, backup: Readonly<Record<string, string>>): void {
  const path = join(home, 'config', 'sonia.json')
  const base = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ ...base, backup }))
}
