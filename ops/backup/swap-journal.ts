import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { writeWhole } from '../write-whole.ts'
import { BackupError } from './backup-error.ts'
import type { FileSystem } from './file-system.ts'

const JOURNAL_NAME = 'restore-journal.json'

const Journal = Type.Object({
  backup_id: Type.String(),
  /** Folders below the state folder. */
  staging: Type.String(),
  safety: Type.String(),
  /** Paths below the state folder that are replaced by what stands under the same path in the staging folder. */
  replaced: Type.Array(Type.String()),
  /** Paths that are moved away without anything taking their place. */
  removed: Type.Array(Type.String()),
})

export interface Swap {
  readonly backup_id: string
  readonly staging: string
  readonly safety: string
  readonly replaced: readonly string[]
  readonly removed: readonly string[]
}

/**
 * Replaces live files by staged ones. Before the journal stands, nothing has changed; from then on the swap can only
 * be finished, because everything it needs is staged and checked. A kill at any step leaves the one or the other.
 */
export function swapIn(home: string, swap: Swap, files: FileSystem): void {
  writeWhole(join(home, JOURNAL_NAME), `${JSON.stringify(swap, null, 2)}\n`, 0o600)
  files.sync(home)
  finishSwap(home, swap, files)
}

export function isSwapPending(home: string, files: FileSystem): boolean {
  return files.kindOf(join(home, JOURNAL_NAME)) === 'file'
}

/** Between the old state and the new there is nothing worth keeping. */
export function refusePendingSwap(home: string, files: FileSystem): void {
  if (!isSwapPending(home, files)) return
  throw new BackupError('RESTORE_PENDING', `${home} is part old, part restored`, {
    hint: './sonia up finishes it, and so does the next ./sonia restore',
  })
}

/** Finishes a swap that was interrupted; returns the backup's id, or null where there was none. */
export function finishPendingSwap(home: string, files: FileSystem): string | null {
  const path = join(home, JOURNAL_NAME)
  if (!isSwapPending(home, files)) return null
  const swap = parsed(files.read(path).toString('utf8'))
  if (!Check(Journal, swap)) {
    throw new BackupError('RESTORE_PENDING', `${path} cannot be read`, {
      hint: 'the live files are in the safety folder beside it; move them back by hand, then remove the journal',
    })
  }
  finishSwap(home, swap, files)
  return swap.backup_id
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Each step looks at what is there, so that doing it twice does no harm. */
function finishSwap(home: string, swap: Swap, files: FileSystem): void {
  for (const path of swap.removed) moveAway(home, path, { swap, files })
  for (const path of swap.replaced) {
    const staged = join(home, swap.staging, path)
    if (files.kindOf(staged) === 'absent') continue
    moveAway(home, path, { swap, files })
    const live = join(home, path)
    files.makeFolder(dirname(live))
    files.rename(staged, live)
    files.sync(dirname(live))
  }
  files.remove(join(home, JOURNAL_NAME))
  files.sync(home)
  files.remove(join(home, swap.staging))
}

function moveAway(
  home: string,
  path: string,
  { swap, files }: { readonly swap: Swap; readonly files: FileSystem },
): void {
  const live = join(home, path)
  if (files.kindOf(live) === 'absent') return
  const safe = join(home, swap.safety, path)
  files.makeFolder(dirname(safe))
  files.rename(live, safe)
  files.sync(dirname(safe))
}
