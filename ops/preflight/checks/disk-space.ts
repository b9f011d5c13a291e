import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { PreflightOptions } from '../options.ts'
import { type Check, problem } from '../report.ts'

const MIB = 1_024 * 1_024

export function diskSpaceCheck({ folders, neededBytes }: PreflightOptions): Check {
  return {
    id: 'disk-space',
    title: 'there is room for what will be written',
    run() {
      const { bavail, bsize } = statfsSync(nearestFolder(folders.home))
      const freeBytes = bavail * bsize
      const looked = `${Math.floor(freeBytes / MIB)} MiB free, ${Math.ceil(neededBytes / MIB)} MiB needed`
      return { looked, findings: freeBytes < neededBytes ? [problem(looked)] : [] }
    },
  }
}

/** The folder itself, or the one it will be made in. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}
