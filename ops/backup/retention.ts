import { join } from 'node:path'
import { BackupError } from './backup-error.ts'
import type { FileSystem } from './file-system.ts'
import { backupIds, isVerified } from './folders.ts'
import { MANIFEST_NAME, readManifest } from './manifest.ts'

export interface RetentionRule {
  readonly hourly: number
  readonly daily: number
  readonly weekly: number
}

export const DEFAULT_RETENTION: RetentionRule = { hourly: 24, daily: 7, weekly: 8 }

export interface RetainedBackup {
  readonly id: string
  readonly isVerified: boolean
  /** Made before a migration: the way back to the older version. */
  readonly isWayBack?: boolean
}

/**
 * Ids that may go. Ages are counted between backups, never against the clock, so that a clock that jumps deletes
 * nothing; the newest verified backup always stays, and so does the newest way back to an older version.
 */
export function expendable(backups: readonly RetainedBackup[], rule: RetentionRule): readonly string[] {
  const newestFirst = backups.toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const kept = new Set<string>()
  keepNewestPer(newestFirst, hourOf, { count: rule.hourly, kept })
  keepNewestPer(newestFirst, dayOf, { count: rule.daily, kept })
  keepNewestPer(newestFirst, weekOf, { count: rule.weekly, kept })
  const newestVerified = newestFirst.find(({ isVerified }) => isVerified)
  if (newestVerified !== undefined) kept.add(newestVerified.id)
  const wayBack = newestFirst.find((backup) => backup.isVerified && backup.isWayBack === true)
  if (wayBack !== undefined) kept.add(wayBack.id)
  return newestFirst.map(({ id }) => id).filter((id) => !kept.has(id))
}

interface Keeping {
  readonly count: number
  readonly kept: Set<string>
}

function keepNewestPer(
  newestFirst: readonly { readonly id: string }[],
  periodOf: (id: string) => string,
  { count, kept }: Keeping,
): void {
  const seen = new Set<string>()
  for (const { id } of newestFirst) {
    const period = periodOf(id)
    if (seen.has(period)) continue
    if (seen.size >= count) return
    seen.add(period)
    kept.add(id)
  }
}

/** The id begins with the time: 20261124T190807Z. */
const hourOf = (id: string) => id.slice(0, 11)
const dayOf = (id: string) => id.slice(0, 8)

function weekOf(id: string): string {
  const day = Date.UTC(Number(id.slice(0, 4)), Number(id.slice(4, 6)) - 1, Number(id.slice(6, 8)))
  return String(Math.floor(day / 604_800_000))
}

export interface RetentionFolder {
  readonly folder: string
  readonly files: FileSystem
  /** The backup that was just made. */
  readonly made: string
}

/** Removes what may go. Where the backup just made is not the newest by name, a clock was wrong: nothing is removed. */
export function applyRetention(
  rule: RetentionRule,
  { folder, files, made }: RetentionFolder,
): readonly string[] {
  if (backupIds(folder, files).at(-1) !== made) return []
  const backups = backupIds(folder, files).map((id) => ({
    id,
    isVerified: isVerified(join(folder, id), files),
    isWayBack: isWayBack(join(folder, id), files),
  }))
  const gone = expendable(backups, rule)
  for (const id of gone) files.remove(join(folder, id))
  return gone
}

/** A malformed manifest belongs to a backup that is no way anywhere; a disk that cannot be read ends the cleaning. */
function isWayBack(backup: string, files: FileSystem): boolean {
  const path = join(backup, MANIFEST_NAME)
  if (files.kindOf(path) !== 'file') return false
  const bytes = files.read(path)
  try {
    return readManifest(bytes, path).reason === 'before-migration'
  } catch (error) {
    if (error instanceof BackupError) return false
    throw error
  }
}
