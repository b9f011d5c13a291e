import { isAbsolute, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import type { FileSystem } from './file-system.ts'
import { backupIds, isFromFuture, isVerified } from './folders.ts'

export interface BackupFolder {
  readonly folder: string
  readonly files: FileSystem
  readonly nowMs: number
}

/** A backup by its id, by its path, or `latest`: the newest one that was verified, those of a clock that was ahead last. */
export function findBackup(named: string, { folder, files, nowMs }: BackupFolder): string {
  if (named === 'latest') return newestVerified({ folder, files, nowMs })
  return isAbsolute(named) || named.includes('/') ? named : join(folder, named)
}

function newestVerified({ folder, files, nowMs }: BackupFolder): string {
  const verified = backupIds(folder, files).filter((candidate) => isVerified(join(folder, candidate), files))
  const id = verified.findLast((candidate) => !isFromFuture(candidate, nowMs)) ?? verified.at(-1)
  if (id !== undefined) return join(folder, id)
  throw new BackupError('BACKUP_NOT_FOUND', `no verified backup in ${folder}`, {
    hint: 'make one: ./sonia backup',
  })
}
