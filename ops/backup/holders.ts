import { readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { BackupError } from './backup-error.ts'

/** Processes (pid) that have a file below `folder` open. Sees only processes of this user, or all for root. */
export function holdersOf(folder: string): readonly number[] {
  const inside = `${realPath(folder)}/`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => openFiles(pid).some((path) => path.startsWith(inside)))
    .map(Number)
}

/** As the kernel names it, whatever links lead there; the path itself where nothing is there. */
function realPath(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}

function openFiles(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)]
      } catch {
        return []
      }
    })
  } catch {
    // The process ended, or belongs to somebody else, who could not have opened our 0700 folder.
    return []
  }
}

/** Whether somebody works with the data; where that cannot be seen, somebody may. */
export function isHeld(dataFolder: string): boolean {
  try {
    return holdersOf(dataFolder).length > 0
  } catch {
    return true
  }
}

export function refuseWhileHeld(dataFolder: string): void {
  const holders = holdersOf(dataFolder)
  if (holders.length === 0) return
  throw new BackupError('SERVICES_RUNNING', `${dataFolder} is open in process ${holders.join(', ')}`, {
    hint: './sonia down, then restore; or restore elsewhere with --to',
  })
}
