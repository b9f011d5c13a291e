import {
  type Stats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
} from 'node:fs'
import { ServiceError } from '#chassis/errors.ts'
import { refusal } from '../refusal.ts'
import type { NamedRoot } from './path-name.ts'

/** The sandbox, held open for the life of the process: renaming or replacing the path changes nothing. */
export interface SandboxRoot extends NamedRoot {
  readonly fd: number
  readonly path: string
  readonly device: number
  readonly inode: number
  /** Mount that everything served must lie on; a bind mount inside has another. */
  readonly mountId: string
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants

/** Opens the sandbox root. Throws where it is missing, no folder, or where there is no `/proc` to walk through. */
export function openRoot(path: string): SandboxRoot {
  const real = realpathSync(path)
  const fd = openSync(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  const stats = fstatSync(fd)
  // Fails without /proc, and then no walk would be possible.
  if (statIn(fd, '.')?.ino !== stats.ino) throw new Error('There is no usable /proc')
  const prefixes = [...new Set([path.replace(/\/+$/, ''), real])]
  return { fd, path: real, prefixes, device: stats.dev, inode: stats.ino, mountId: mountIdOf(fd) }
}

export function closeRoot(root: SandboxRoot): void {
  closeSync(root.fd)
}

/**
 * Walks the folders `names` from the root, each opened through the descriptor of the one before and never
 * through a link, and lends the last one to `use`. Whoever renames folders meanwhile moves names, not descriptors.
 */
export function withFolder<T>(root: SandboxRoot, names: readonly string[], use: (folderFd: number) => T): T {
  let folder = root.fd
  const release = () => {
    if (folder !== root.fd) closeSync(folder)
  }
  try {
    for (const name of names) {
      const next = openIn(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      release()
      folder = next
      if (fstatSync(folder).dev !== root.device)
        throw refusal('SPECIAL_FILE', 'Another file system is mounted there.')
    }
    return use(folder)
  } finally {
    release()
  }
}

/** Opens `name` inside an open folder. Links are refused, never followed. */
export function openIn(folderFd: number, name: string, flags: number, mode?: number): number {
  try {
    return openSync(entryPath(folderFd, name), flags, mode)
  } catch (error) {
    throw explainOpenError(error, folderFd, name)
  }
}

/** An entry of an open folder, addressed by descriptor and single name. */
export function entryPath(folderFd: number, name: string): string {
  return `/proc/self/fd/${folderFd}/${name}`
}

export interface OpenedFile {
  readonly fd: number
  readonly stats: Stats
}

/** Opens a file for reading and makes sure, on the descriptor, that it is a plain file of this sandbox. */
export function openRegularFile(root: SandboxRoot, folderFd: number, name: string): OpenedFile {
  const fd = openIn(folderFd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
  try {
    const stats = fstatSync(fd)
    assertPlainFile(root, stats)
    if (mountIdOf(fd) !== root.mountId) throw refusal('SPECIAL_FILE', 'Another file system is mounted there.')
    return { fd, stats }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Refuses what is not a regular file with a single name on the sandbox's own device. */
export function assertPlainFile(root: SandboxRoot, stats: Stats): void {
  if (stats.isSymbolicLink()) throw refusal('LINK_REFUSED', 'Links are not served.')
  if (!stats.isFile()) throw refusal('SPECIAL_FILE', 'Only regular files are served.')
  if (stats.nlink !== 1) throw refusal('LINK_REFUSED', 'Files with more than one name are not served.')
  if (stats.dev !== root.device) throw refusal('SPECIAL_FILE', 'Another file system is mounted there.')
}

/** What `name` is at this moment, links not followed; undefined where there is nothing. Informs, never decides alone. */
export function statIn(folderFd: number, name: string): Stats | undefined {
  return lstatSync(entryPath(folderFd, name), { throwIfNoEntry: false })
}

/** Mount id of an open descriptor, from the kernel's own account of it. */
export function mountIdOf(fd: number): string {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 'unknown'
}

function explainOpenError(error: unknown, folderFd: number, name: string): ServiceError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
      return new ServiceError('NOT_FOUND', 'No such file.', { cause: error })
    case 'ELOOP':
      return refusal('LINK_REFUSED', 'Links are not served.')
    case 'ENOTDIR':
      // The kernel says ENOTDIR of a link too when a folder was asked for.
      return statIn(folderFd, name)?.isSymbolicLink() === true
        ? refusal('LINK_REFUSED', 'Links are not served.')
        : new ServiceError('NOT_FOUND', 'No such file.', { cause: error })
    case 'ENXIO':
    case 'ENODEV':
      return refusal('SPECIAL_FILE', 'Only regular files are served.')
    case 'EACCES':
    case 'EPERM':
      return new ServiceError('FORBIDDEN', 'The file may not be opened.', { cause: error })
    default:
      return new ServiceError('INTERNAL_ERROR', 'The file could not be opened.', { cause: error })
  }
}
