import { dirname, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import { checkDatabase } from './check-database.ts'
import { readContents } from './database.ts'
import { digestOf } from './digest.ts'
import type { FileSystem } from './file-system.ts'
import { FILES_FOLDER, PARTIAL_SUFFIX, VERIFIED_NAME } from './folders.ts'
import {
  type BackupFile,
  type BackupManifest,
  MANIFEST_NAME,
  readManifest,
  SIGNATURE_NAME,
} from './manifest.ts'
import { checkSignature, type Trust } from './signing.ts'

export interface CheckOptions {
  readonly files: FileSystem
  readonly trust: Trust
  /** Services need the disk and the processors meanwhile: slower, so that they notice little of it. */
  readonly isServed?: boolean
}

const HINT = 'take another backup; ./sonia backups lists them'
const SCRATCH_NAME = '.scratch'

/**
 * Signature, names, sizes, digests: signed by somebody trusted, and complete, or the one `BackupError` that says what
 * is not.
 */
export function checkBackup(backup: string, { files, trust }: CheckOptions): BackupManifest {
  refuseUnfinished(backup, files)
  const bytes = files.read(there(join(backup, MANIFEST_NAME), 'MANIFEST_MISSING', files))
  const signature = files.read(there(join(backup, SIGNATURE_NAME), 'SIGNATURE_MISSING', files))
  checkSignature(bytes, signature, trust, backup)
  const manifest = readManifest(bytes, join(backup, MANIFEST_NAME))
  if (!backup.endsWith(manifest.id)) {
    throw new BackupError('MANIFEST_REPLAYED', `${backup} holds the manifest of ${manifest.id}`, {
      hint: HINT,
    })
  }
  checkNames(backup, manifest, files)
  for (const file of manifest.files) checkFile(join(backup, FILES_FOLDER, file.path), file, files)
  return manifest
}

function refuseUnfinished(backup: string, files: FileSystem): void {
  if (backup.endsWith(PARTIAL_SUFFIX)) throw new BackupError('BACKUP_PARTIAL', backup, { hint: HINT })
  if (files.kindOf(backup) !== 'folder') throw new BackupError('BACKUP_NOT_FOUND', backup, { hint: HINT })
}

function there(path: string, code: 'MANIFEST_MISSING' | 'SIGNATURE_MISSING', files: FileSystem): string {
  if (files.kindOf(path) === 'file') return path
  throw new BackupError(code, path, { hint: HINT })
}

/** Exactly the files that the manifest names, and nothing that is not a plain file. */
function checkNames(backup: string, manifest: BackupManifest, files: FileSystem): void {
  const found = new Set<string>()
  for (const name of files.list(backup)) {
    if (name === FILES_FOLDER) walk(join(backup, name), '', { files, found })
    else if (![MANIFEST_NAME, SIGNATURE_NAME, VERIFIED_NAME, SCRATCH_NAME].includes(name)) {
      throw new BackupError('FILE_EXTRA', join(backup, name), { hint: HINT })
    }
  }
  const named = new Set(manifest.files.map(({ path }) => path))
  for (const path of named) if (!found.has(path)) throw new BackupError('FILE_MISSING', path, { hint: HINT })
  for (const path of found) if (!named.has(path)) throw new BackupError('FILE_EXTRA', path, { hint: HINT })
}

interface Walk {
  readonly files: FileSystem
  readonly found: Set<string>
}

function walk(folder: string, prefix: string, into: Walk): void {
  for (const name of into.files.list(folder)) {
    const path = join(folder, name)
    const kind = into.files.kindOf(path)
    if (kind === 'folder') walk(path, `${prefix}${name}/`, into)
    else if (kind === 'file') into.found.add(`${prefix}${name}`)
    else throw new BackupError('LINK_REFUSED', path, { hint: HINT })
  }
}

function checkFile(path: string, { size, sha256 }: BackupFile, files: FileSystem): void {
  const found = files.sizeOf(path)
  if (found !== size)
    throw new BackupError('FILE_TRUNCATED', `${path}: ${found} bytes, not ${size}`, { hint: HINT })
  if (digestOf(path, files) !== sha256) throw new BackupError('FILE_CHANGED', path, { hint: HINT })
}

/** The same, and restores the databases into a scratch folder of the backup and reads every row of them there. */
export async function checkRestored(backup: string, options: CheckOptions): Promise<BackupManifest> {
  const { files, isServed = false } = options
  const manifest = checkBackup(backup, options)
  const scratch = join(backup, SCRATCH_NAME)
  files.remove(scratch)
  try {
    for (const file of manifest.files) {
      if (file.database === undefined) continue
      const target = join(scratch, file.path)
      files.makeFolder(dirname(target))
      const from = join(backup, FILES_FOLDER, file.path)
      if (isServed) files.copyBitByBit(from, target)
      else files.copy(from, target)
      await checkDatabaseFile({ path: target, file, manifest, isServed })
      if (isServed) files.removeBitByBit(target)
    }
  } finally {
    files.remove(scratch)
  }
  return manifest
}

export interface RestoredDatabase {
  readonly path: string
  readonly file: BackupFile
  readonly manifest: BackupManifest
  readonly isServed?: boolean
  /** Done while the others look. */
  readonly meanwhile?: () => void
}

/** A copy of a database against its manifest: pages, keys, indexes, rows and the newest memory. */
export async function checkDatabaseFile(restored: RestoredDatabase): Promise<void> {
  const { path, file, manifest, isServed = false, meanwhile } = restored
  // Rows are read in this thread while the others look; what they find is told first.
  const [whole, read] = await Promise.allSettled([
    checkDatabase({
      path,
      on: file.path,
      bytes: file.size,
      ...(isServed ? { threadsFromBytes: Number.POSITIVE_INFINITY } : {}),
    }),
    Promise.resolve().then(() => {
      meanwhile?.()
      return readContents(path)
    }),
  ])
  if (whole.status === 'rejected') throw whole.reason
  if (read.status === 'rejected') throw read.reason
  const { facts, sentinel } = read.value
  if (JSON.stringify(facts) !== JSON.stringify(file.database)) {
    const differing = facts.tables.find(({ name, sha256 }) => sha256 !== tableNamed(file, name)?.sha256)
    throw new BackupError('ROWS_DIFFER', `${file.path}: ${differing?.name ?? 'its tables'}`, { hint: HINT })
  }
  if (file.path !== 'data/memory/sonia.db') return
  if (JSON.stringify(sentinel) !== JSON.stringify(manifest.sentinel)) {
    throw new BackupError('ROWS_DIFFER', `${file.path}: the newest memory`, { hint: HINT })
  }
}

function tableNamed(file: BackupFile, name: string) {
  return file.database?.tables.find((table) => table.name === name)
}
