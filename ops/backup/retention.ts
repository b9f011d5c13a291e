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
 * nothing. Slots are filled with verified ones first. What always stays: the newest, those made in the hour before it,
 * the newest verified one, and the newest way back to an older version.
 */
export function expendable(backups: readonly RetainedBackup[], rule: RetentionRule): readonly string[] {
  const newestFirst = backups.toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const kept = new Set<string>()
  keepNewestPer(newestFirst, hourOf, { count: rule.hourly, kept })
  keepNewestPer(newestFirst, dayOf, { count: rule.daily, kept })
  keepNewestPer(newestFirst, weekOf, { count: rule.weekly, kept })
  const [newest] = newestFirst
  const young = newestFirst.filter(({ id }) => timeOf(newest?.id ?? id) - timeOf(id) < YOUNG_MS)
  const verified = newestFirst.filter(({ isVerified }) => isVerified)
  const wayBack = verified.find(({ isWayBack }) => isWayBack === true)
  for (const backup of [...young, verified[0], wayBack]) if (backup !== undefined) kept.add(backup.id)
  return newestFirst.map(({ id }) => id).filter((id) => !kept.has(id))
}

/** So long a backup that was made by hand is where its owner was told it is, however many come after it. */
const YOUNG_MS = 3_600_000

interface Keeping {
  readonly count: number
  readonly kept: Set<string>
}

/** The newest verified backup of each period; where slots are left, the newest other one of periods without any. */
function keepNewestPer(
  newestFirst: readonly RetainedBackup[],
  periodOf: (id: string) => string,
  { count, kept }: Keeping,
): void {
  const seen = new Set<string>()
  for (const { id } of newestFirst.toSorted((a, b) => Number(b.isVerified) - Number(a.isVerified))) {
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

function timeOf(id: string): number {
  const [, day = '', hour, minute, second] = /^(.{8})T(..)(..)(..)Z/.exec(id) ?? []
  return Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T${hour}:${minute}:${second}Z`)
}

function weekOf(id: string): string {
  const day = Date.UTC(Number(id.slice(0, 4)), Number(id.slice(4, 6)) - 1, Number(id.slice(6, 8)))
  return String(Math.floor(day / 604_800_000))
}

/**
 * Of the backup just made and those before it, the ids that may go. What is named after it comes from a clock that was
 * ahead, or is newer than the clock now says: it stays, and stands in nobody's way. A backup that was not verified
 * sends no verified one away.
 */
export function expendableAfter(
  made: string,
  backups: readonly RetainedBackup[],
  rule: RetentionRule,
): readonly string[] {
  const until = backups.filter(({ id }) => id <= made)
  const verified = new Set(until.filter(({ isVerified }) => isVerified).map(({ id }) => id))
  const gone = expendable(until, rule)
  return verified.has(made) ? gone : gone.filter((id) => !verified.has(id))
}

export interface RetentionFolder {
  readonly folder: string
  readonly files: FileSystem
  /** The backup that was just made, or tried. */
  readonly made: string
}

/** Removes what may go; returns its ids. */
export function applyRetention(
  rule: RetentionRule,
  { folder, files, made }: RetentionFolder,
): readonly string[] {
  const backups = backupIds(folder, files).map((id) => ({
    id,
    isVerified: isVerified(join(folder, id), files),
    isWayBack: isWayBack(join(folder, id), files),
  }))
  const gone = expendableAfter(made, backups, rule)
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
