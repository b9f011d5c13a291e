import { dirname, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import { checkBackup, checkDatabaseFile } from './check-backup.ts'
import { explainIo, type FileSystem } from './file-system.ts'
import { FILES_FOLDER } from './folders.ts'
import { holdersOf, refuseWhileHeld } from './holders.ts'
import type { BackupFile, BackupManifest } from './manifest.ts'
import { knownSchema } from './schema-versions.ts'
import type { Trust } from './signing.ts'
import { PARTS, type Part, stateFiles } from './state-files.ts'
import { applySafetyRetention, safetyName } from './safety-copies.ts'
import { finishPendingSwap, isSwapPending, type Swap, swapIn } from './swap-journal.ts'
import { removeAbandoned, unfinishedName } from './unfinished.ts'

export interface RestoreRequest {
  readonly backup: string
  /** State folder that is restored into; it may be new. */
  readonly to: string
  readonly trust: Trust
  /** Everything where it is null. */
  readonly only: readonly Part[] | null
  /** Checks everything that can be checked without changing anything, also while services hold the data. */
  readonly isDryRun: boolean
  readonly files: FileSystem
  readonly nowMs: () => number
}

export interface Restored {
  readonly id: string
  readonly createdAt: string
  readonly sentinel: BackupManifest['sentinel']
  readonly replaced: readonly string[]
  readonly removed: readonly string[]
  /** Where what was live before is kept; null where nothing was, or nothing was changed. */
  readonly safetyFolder: string | null
  /** What earlier restores had kept, and is old enough to go. */
  readonly safetyRemoved: readonly string[]
  /** An earlier restore was interrupted, and a dry run left it so. */
  readonly isSwapPending: boolean
  /** Processes that have to let go of the data first; only a dry run gets that far with any. */
  readonly heldBy: readonly number[]
  readonly durationMs: number
}

/** Read at the next start by eva-os: what was pending when the backup was made is void, and the audit says why it is shorter. */
const RESTORED_MARK = 'data/eva-os/restored.json'
const EVA_OS_DATABASE = 'data/eva-os/eva-os.db'

/**
 * Checks the backup, stages and checks it again on the target's file system, and swaps it in through a journal.
 * Throws `BackupError`; until the swap begins nothing live has changed.
 */
export async function restoreBackup(request: RestoreRequest): Promise<Restored> {
  const { backup, to, trust, files, nowMs, isDryRun } = request
  const startedAtMs = nowMs()
  try {
    const data = join(to, 'data')
    const heldBy = isDryRun ? holdersOf(data) : []
    if (!isDryRun) refuseWhileHeld(data)
    const manifest = checkBackup(backup, { files, trust })
    const chosen = chosenFiles(manifest, request.only)
    refuseNewer(chosen, backup)
    if (!isDryRun) readyTarget(request)
    // Only now: what an interrupted restore still had to bring is among what is live.
    const plan = planSwap({ manifest, chosen, startedAtMs }, request)
    refuseWithoutRoom(chosen, to, files)
    await stage({ manifest, chosen, plan, isServed: heldBy.length > 0 }, request)
    if (!isDryRun) swapIn(to, plan, files)
    return {
      id: manifest.id,
      createdAt: manifest.created_at,
      sentinel: manifest.sentinel,
      replaced: plan.replaced,
      removed: plan.removed,
      safetyFolder: files.kindOf(join(to, plan.safety)) === 'folder' ? join(to, plan.safety) : null,
      safetyRemoved: isDryRun ? [] : applySafetyRetention(to, files, startedAtMs),
      isSwapPending: isSwapPending(to, files),
      heldBy,
      durationMs: nowMs() - startedAtMs,
    }
  } catch (error) {
    throw explainIo(error, to)
  }
}

/** A restore that was interrupted is finished first, and what one left that never came so far is removed. */
function readyTarget({ to, files, nowMs }: RestoreRequest): void {
  files.makeFolder(to)
  finishPendingSwap(to, files)
  removeAbandoned(to, files, nowMs())
}

function chosenFiles(manifest: BackupManifest, only: readonly Part[] | null): readonly BackupFile[] {
  if (only === null) return manifest.files
  const roles = new Set<string>(only.flatMap((part) => PARTS[part]))
  return manifest.files.filter(({ role }) => roles.has(role))
}

function refuseNewer(chosen: readonly BackupFile[], backup: string): void {
  for (const { path, database } of chosen) {
    const known = knownSchema(path)
    if (known === null || database === undefined || database.schema_version <= known) continue
    const schemas = `${path} has schema ${database.schema_version}, this version knows ${known}`
    throw new BackupError('SCHEMA_NEWER', `${backup}: ${schemas}`, {
      hint: 'restore it with the version that made it, or take a backup from before its migration',
    })
  }
}

interface Planned {
  readonly manifest: BackupManifest
  readonly chosen: readonly BackupFile[]
  readonly startedAtMs: number
}

/** Live files of the restored kinds that the backup does not have are moved away: after it, they were not there. */
function planSwap({ manifest, chosen, startedAtMs }: Planned, { to, files, only }: RestoreRequest): Swap {
  const roles = only === null ? null : new Set<string>(only.flatMap((part) => PARTS[part]))
  const kept = new Set(chosen.map(({ path }) => path))
  const live = stateFiles(to, files).filter(({ role }) => roles === null || roles.has(role))
  const stale = chosen.flatMap(({ path, role }) =>
    role === 'database' ? ['-wal', '-shm', '-journal'].map((suffix) => `${path}${suffix}`) : [],
  )
  const heads = kept.has(EVA_OS_DATABASE) ? ['data/eva-os/audit-head.json'] : []
  return {
    backup_id: manifest.id,
    staging: unfinishedName(`.restore-${manifest.id}`, startedAtMs),
    safety: safetyName(manifest.id, startedAtMs),
    replaced: [...kept, ...(kept.has(EVA_OS_DATABASE) ? [RESTORED_MARK] : [])],
    removed: [...live.map(({ path }) => path).filter((path) => !kept.has(path)), ...stale, ...heads],
  }
}

function refuseWithoutRoom(chosen: readonly BackupFile[], to: string, files: FileSystem): void {
  const needed = chosen.reduce((sum, { size }) => sum + size, 0)
  const free = files.freeBytes(existing(to, files))
  if (free >= needed) return
  throw new BackupError('DISK_FULL', `${to}: ${free} bytes free, ${needed} needed`, {
    hint: 'make room there; nothing was changed',
  })
}

/** The folder itself, or the nearest one above it that is there: where it would be made. */
function existing(folder: string, files: FileSystem): string {
  return files.kindOf(folder) === 'absent' ? existing(dirname(folder), files) : folder
}

interface Staging {
  readonly manifest: BackupManifest
  readonly chosen: readonly BackupFile[]
  readonly plan: Swap
  readonly isServed: boolean
}

async function stage(
  { manifest, chosen, plan, isServed }: Staging,
  { backup, to, files, isDryRun, nowMs }: RestoreRequest,
): Promise<void> {
  // A dry run stages beside the backup, so that not even a folder of the target changes.
  const folder = isDryRun ? join(dirname(backup), plan.staging) : join(to, plan.staging)
  try {
    for (const file of chosen) {
      const target = join(folder, file.path)
      files.makeFolder(dirname(target))
      const from = join(backup, FILES_FOLDER, file.path)
      if (isServed) files.copyBitByBit(from, target)
      else files.copy(from, target)
      const sync = () => files.sync(target)
      if (file.database === undefined) sync()
      else await checkDatabaseFile({ path: target, file, manifest, isServed, meanwhile: sync })
    }
    if (plan.replaced.includes(RESTORED_MARK)) {
      const restored = { backup_id: manifest.id, restored_at_ms: nowMs() }
      files.write(join(folder, RESTORED_MARK), `${JSON.stringify(restored)}\n`, 0o600)
    }
  } catch (error) {
    files.remove(folder)
    throw error
  }
  if (isDryRun) files.remove(folder)
}
