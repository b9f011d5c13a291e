import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { BackupError } from '#ops/backup/backup-error.ts'
import { checkBackup, checkRestored } from '#ops/backup/check-backup.ts'
import { realFileSystem } from '#ops/backup/file-system.ts'
import { ownTrust, type Trust } from '#ops/backup/signing.ts'
import { pause } from '../runners/gate-context.ts'
import { runBackupProcess } from './backup-process.ts'
import { DAMAGES, damagedCopy } from './damage.ts'
import { type DrillNeeds, type Original, restoreInto } from './drill-needs.ts'

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
      (await codeOf(() => checkBackup(copy, { files: realFileSystem, trust }))) === damage.code,
      damage.what,
    )
  }
  await drillMistakes(needs, original, restoredHome)
  await drillFullDisk(needs, original, trust)
}

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    return error instanceof BackupError ? error.code : String(error)
  }
}

const WRONG_POLICY = '{"rules": "anything goes"}'
const WRONG_CONFIGURATION = '{"log_level": '

/** Somebody spoils policies and configuration at once; each is brought back alone, to the time of the named backup. */
async function drillMistakes(needs: DrillNeeds, original: Original, home: string): Promise<void> {
  const policies = join(home, 'config', 'policies')
  const name = readdirSync(policies).find((candidate) => candidate.endsWith('.json')) ?? ''
  const spoilt = [
    { path: join(policies, name), wrong: WRONG_POLICY, part: 'policies' },
    { path: join(home, 'config', 'sonia.json'), wrong: WRONG_CONFIGURATION, part: 'configuration' },
  ] as const
  for (const { path, wrong, part } of spoilt) {
    for (const each of spoilt) writeFileSync(each.path, each.wrong)
    const data = digestOfFolder(join(home, 'data'))
    await restoreInto(needs, { original, home, only: [part] })
    const isBack = readFileSync(path, 'utf8') === readFileSync(inBackup(original.backup, home, path), 'utf8')
    const others = spoilt.filter((each) => each.part !== part)
    const isAlone = others.every((each) => readFileSync(each.path, 'utf8') === each.wrong)
    const isDataKept = digestOfFolder(join(home, 'data')) === data
    const said = `back ${isBack}, alone ${isAlone}, data as they were ${isDataKept}, wrong before ${wrong}`
    needs.count(`mistake-${part}`, isBack && isAlone && isDataKept, said)
  }
}

function inBackup(backup: string, home: string, path: string): string {
  return join(backup, 'files', relative(home, path))
}

function digestOfFolder(folder: string): string {
  const hash = createHash('sha256')
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const path of paths.sort()) hash.update(path.slice(folder.length)).update(readFileSync(path))
  return hash.digest('hex')
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
    (await codeOf(() => checkBackup(original.backup, { files: realFileSystem, trust }))) === 'accepted'
  count('full-disk', full.code === 'DISK_FULL' && isWhole, `ended with ${full.code ?? full.exitCode}`)
  configureBackup(home, {
    folder: join(home, 'backups'),
    second_folder: join(context.home, 'durability', 'second-disk'),
  })
  const second = await runBackupProcess({ repository, home, env })
  const copy = join(context.home, 'durability', 'second-disk', second.id ?? 'none')
  const isCopied = (await codeOf(() => checkRestored(copy, { files: realFileSystem, trust }))) === 'accepted'
  count('second-disk', second.exitCode === 0 && isCopied, `ended with ${second.code ?? second.exitCode}`)
}

function configureBackup(home: string, backup: Readonly<Record<string, string>>): void {
  const path = join(home, 'config', 'sonia.json')
  const base = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ ...base, backup }))
}
