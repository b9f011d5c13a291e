import { join } from 'node:path'
import type { FileSystem } from './file-system.ts'

const SAFETY_FOLDER = 'before-restore'
const NAME = /^\d{8}T\d{6}Z-[0-9a-f]{8}-(\d+)$/

/** Where a restore of this backup keeps what it replaces, below the state folder. */
export function safetyName(backupId: string, nowMs: number): string {
  return `${SAFETY_FOLDER}/${backupId}-${nowMs}`
}

/** So many stay however old they are. */
const KEPT = 3
/**
 * And those of this time before the restore: who tries one backup after the other has the state that all began with only
 * in the oldest of them.
 */
const YOUNG_MS = 7 * 24 * 3_600_000

interface SafetyCopy {
  readonly name: string
  readonly madeAtMs: number
}

/**
 * Names of the copies that may go after a restore at this time. One that says it was made later comes from a clock that
 * was ahead, or is newer than the clock now says: it stays, and stands in nobody's way.
 */
export function expendableCopies(names: readonly string[], restoredAtMs: number): readonly string[] {
  const newestFirst = names
    .flatMap((name): SafetyCopy[] => {
      const madeAtMs = NAME.exec(name)?.[1]
      return madeAtMs === undefined ? [] : [{ name, madeAtMs: Number(madeAtMs) }]
    })
    .filter(({ madeAtMs }) => madeAtMs <= restoredAtMs)
    .toSorted((a, b) => b.madeAtMs - a.madeAtMs)
  return newestFirst
    .slice(KEPT)
    .filter(({ madeAtMs }) => restoredAtMs - madeAtMs > YOUNG_MS)
    .map(({ name }) => name)
}

/** Removes what earlier restores kept and may go; returns the paths. Whatever else stands in the folder stays. */
export function applySafetyRetention(
  home: string,
  files: FileSystem,
  restoredAtMs: number,
): readonly string[] {
  const folder = join(home, SAFETY_FOLDER)
  if (files.kindOf(folder) !== 'folder') return []
  const gone = expendableCopies(files.list(folder), restoredAtMs).map((name) => join(folder, name))
  for (const path of gone) files.remove(path)
  return gone
}
