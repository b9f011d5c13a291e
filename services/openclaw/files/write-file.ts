import {
  close,
  closeSync,
  constants,
  fchmod,
  fchown,
  fchownSync,
  fsync,
  mkdirSync,
  open,
  rename,
  unlink,
  write,
} from 'node:fs'
import { promisify } from 'node:util'
import { ServiceError } from '#chassis/errors.ts'
import { refusal } from '../refusal.ts'
import { parsePath } from './path-name.ts'
import { FILE_BYTES_MAX } from './read-file.ts'
import { type SandboxRoot, assertPlainFile, entryPath, mountIdOf, openIn, statIn } from './walk.ts'

const FILE_MODE = 0o644
const FOLDER_MODE = 0o755
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW } = constants

const openAsync = promisify(open)
const closeAsync = promisify(close)
const writeAsync = promisify(write)
const fsyncAsync = promisify(fsync)
const renameAsync = promisify(rename)
const unlinkAsync = promisify(unlink)
const fchownAsync = promisify(fchown)
const fchmodAsync = promisify(fchmod)

export interface WriteSettings {
  readonly root: SandboxRoot
  /** Suffix of the temporary name, unguessable and new each time. */
  readonly makeId: () => string
  /** Owner of new files where the service may choose one (it runs as root): who the contained programs run as. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
}

export interface WrittenFile {
  readonly sizeBytes: number
  readonly created: boolean
  readonly foldersCreated: number
}

/** Writes a file whole or not at all: temporary file, fsync, rename through the descriptor, fsync of the folder. */
export async function writeSandboxFile(
  settings: WriteSettings,
  path: string,
  content: string,
): Promise<WrittenFile> {
  const bytes = Buffer.from(content)
  if (bytes.length > FILE_BYTES_MAX) throw new ServiceError('TOO_LARGE', 'The content is larger than 10 MiB.')
  const components = parsePath(settings.root, path)
  const name = components.at(-1)
  if (name === undefined) throw refusal('SPECIAL_FILE', 'The path names the sandbox itself.')
  const { folderFd, foldersCreated } = openOrMakeFolders(settings, components.slice(0, -1))
  try {
    const existing = statIn(folderFd, name)
    if (existing !== undefined) assertPlainFile(settings.root, existing)
    await replaceFile(settings, { folderFd, name, bytes, mode: (existing?.mode ?? FILE_MODE) & 0o777 })
    return { sizeBytes: bytes.length, created: existing === undefined, foldersCreated }
  } finally {
    await closeAsync(folderFd)
  }
}

/** A descriptor of its own of the last folder; missing ones are made on the way, links are never followed. */
function openOrMakeFolders(settings: WriteSettings, names: readonly string[]) {
  const { root } = settings
  let folderFd = openIn(root.fd, '.', O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  let foldersCreated = 0
  try {
    for (const name of names) {
      const isNew = statIn(folderFd, name) === undefined && makeFolder(folderFd, name)
      const next = openIn(folderFd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      closeSync(folderFd)
      folderFd = next
      if (!isNew) continue
      foldersCreated++
      if (settings.owner !== null) fchownSync(folderFd, settings.owner.uid, settings.owner.gid)
    }
    if (mountIdOf(folderFd) !== root.mountId)
      throw refusal('SPECIAL_FILE', 'Another file system is mounted there.')
    return { folderFd, foldersCreated }
  } catch (error) {
    closeSync(folderFd)
    throw error
  }
}

function makeFolder(folderFd: number, name: string): boolean {
  try {
    mkdirSync(entryPath(folderFd, name), { mode: FOLDER_MODE })
    return true
  } catch (error) {
    // Somebody else was quicker; what is there now is judged when it is opened.
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw new ServiceError('INTERNAL_ERROR', 'The folder could not be made.', { cause: error })
  }
}

interface Replacement {
  readonly folderFd: number
  readonly name: string
  readonly bytes: Buffer
  readonly mode: number
}

async function replaceFile(
  settings: WriteSettings,
  { folderFd, name, bytes, mode }: Replacement,
): Promise<void> {
  const temporary = entryPath(folderFd, `.sonia-${settings.makeId()}.tmp`)
  const fd = await openAsync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600).catch(storageError)
  try {
    await writeAll(fd, bytes)
    if (settings.owner !== null) await fchownAsync(fd, settings.owner.uid, settings.owner.gid)
    await fchmodAsync(fd, mode)
    await fsyncAsync(fd)
    await renameAsync(temporary, entryPath(folderFd, name))
    await fsyncAsync(folderFd)
  } catch (error) {
    await unlinkAsync(temporary).catch(() => undefined)
    return storageError(error)
  } finally {
    await closeAsync(fd)
  }
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await writeAsync(fd, bytes, offset, bytes.length - offset, null)
    offset += bytesWritten
  }
}

function storageError(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // The folder was removed or replaced meanwhile.
  if (code === 'ENOENT') throw new ServiceError('NOT_FOUND', 'The folder is gone.', { cause: error })
  if (code === 'EISDIR' || code === 'ENOTEMPTY') throw refusal('SPECIAL_FILE', 'The path names a folder.')
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS') {
    throw new ServiceError('UNAVAILABLE', 'The sandbox cannot be written.', { cause: error })
  }
  throw new ServiceError('INTERNAL_ERROR', 'The file could not be written.', { cause: error })
}
