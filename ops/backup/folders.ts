import { join } from 'node:path'
import { compactTime } from '../compact-time.ts'
import { systemErrorCode } from '../ops-error.ts'
import { BackupError } from './backup-error.ts'
import type { FileSystem } from './file-system.ts'

/** Suffix of a backup that is being made; it never counts as one. */
export const PARTIAL_SUFFIX = '.partial'
/** Written after the backup was restored into a scratch folder and found whole. Only then it counts for the RPO. */
export const VERIFIED_NAME = 'VERIFIED.json'
export const FILES_FOLDER = 'files'

const ID = /^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$/

/** `20261124T190807Z-1a2b3c4d`: sorts by time. */
export function backupId(nowMs: number, random: Buffer): string {
  return `${compactTime(nowMs)}-${random.toString('hex')}`
}

function isBackupId(name: string): boolean {
  return ID.test(name)
}

/** Ids of the finished backups of a folder, oldest first. */
export function backupIds(folder: string, files: FileSystem): readonly string[] {
  const real = realFolder(folder, files)
  if (real === null || files.kindOf(real) !== 'folder') return []
  return files.list(real).filter((name) => isBackupId(name) && files.kindOf(join(real, name)) === 'folder')
}

/**
 * The folder that a folder of backups really is: a link to another disk is followed. One that leads nowhere is refused:
 * the disk is not there, and a folder made in its stead would be on the wrong one.
 */
export function followLinks(folder: string, files: FileSystem): string {
  const real = realFolder(folder, files)
  if (real !== null) return real
  throw new BackupError('IO_ERROR', `${folder} is a link that leads nowhere`, {
    hint: 'bring back the disk that it leads to, or name another folder',
  })
}

/** Null where a link leads nowhere. */
function realFolder(folder: string, files: FileSystem): string | null {
  if (files.kindOf(folder) !== 'other') return folder
  try {
    return files.realPath(folder)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null
    throw error
  }
}

export function isVerified(backup: string, files: FileSystem): boolean {
  return files.kindOf(join(backup, VERIFIED_NAME)) === 'file'
}

/** Made while the clock was ahead: its id comes after those of backups that are newer. */
export function isFromFuture(id: string, nowMs: number): boolean {
  return id.slice(0, 16) > backupId(nowMs, Buffer.alloc(0)).slice(0, 16)
}
