import { isAbsolute, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import type { FileSystem } from './file-system.ts'
import { backupIds, isVerified } from './folders.ts'

/** A backup by its id, by its path, or `latest`: the newest one that was verified. */
export function findBackup(named: string, folder: string, files: FileSystem): string {
  if (named === 'latest') return newestVerified(folder, files)
  return isAbsolute(named) || named.includes('/') ? named : join(folder, named)
}

function newestVerified(folder: string, files: FileSystem): string {
  const id = backupIds(folder, files).findLast((candidate) => isVerified(join(folder, candidate), files))
  if (id !== undefined) return join(folder, id)
  throw new BackupError('BACKUP_NOT_FOUND', `no verified backup in ${folder}`, {
    hint: 'make one: ./sonia backup',
  })
}
