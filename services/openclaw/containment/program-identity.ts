import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { sha256OfDescriptor } from '../files/digest.ts'
import { refusal } from '../refusal.ts'

export interface ProgramIdentity {
  readonly path: string
  readonly device: number
  readonly inode: number
  readonly sha256: string
}

export interface TrustedFolder {
  readonly path: string
  /** Users who may own the program and every folder above it. */
  readonly owners: readonly number[]
}

/** Looks up programs in trusted folders and says exactly which file each one is. */
export interface ProgramShelf {
  /** Opens the program; the caller closes the descriptor. Throws a refusal if it cannot be trusted. */
  readonly open: (name: string) => { readonly fd: number; readonly identity: ProgramIdentity }
  readonly has: (name: string) => boolean
}

const WRITABLE_BY_OTHERS = 0o022n
const ANY_EXECUTE = 0o111n

export function programShelf(folder: TrustedFolder): ProgramShelf {
  const digests = new Map<string, string>()
  return {
    has: (name) => lstatSync(`${folder.path}/${name}`, { throwIfNoEntry: false })?.isFile() === true,
    open: (name) => {
      const path = `${folder.path}/${name}`
      const fd = openProgram(path)
      try {
        const stats = fstatSync(fd, { bigint: true })
        assertTrusted(folder, path, stats)
        return { fd, identity: { path, ...identityOf(fd, stats, digests) } }
      } catch (error) {
        closeSync(fd)
        throw error
      }
    },
  }
}

function openProgram(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw refusal('PROGRAM_NOT_ALLOWED', `The program is not installed: ${path.split('/').at(-1) ?? ''}`, {
      cause_code: codeOf(cause),
    })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN'
}

/** Nobody but the trusted owners may be able to change the file or any folder on the way to it. */
function assertTrusted(folder: TrustedFolder, path: string, stats: BigIntStats): void {
  const isProgram = stats.isFile() && (stats.mode & ANY_EXECUTE) !== 0n
  if (!isProgram || !isOwnedSafely(folder, stats)) throw untrusted()
  for (let above = dirname(path); ; above = dirname(above)) {
    const here = lstatSync(above, { bigint: true })
    // A sticky folder (/tmp) lets others add names, not replace ours.
    const isSticky = (here.mode & 0o1000n) !== 0n
    if (!here.isDirectory() || !(isSticky || isOwnedSafely(folder, here))) throw untrusted()
    if (above === '/') return
  }
}

function isOwnedSafely({ owners }: TrustedFolder, stats: BigIntStats): boolean {
  return owners.includes(Number(stats.uid)) && (stats.mode & WRITABLE_BY_OTHERS) === 0n
}

function untrusted() {
  return refusal('PROGRAM_NOT_ALLOWED', 'The program file may not be trusted: others can change it.')
}

/** The digest is remembered for as long as inode, size and both change times stay. */
function identityOf(fd: number, stats: BigIntStats, digests: Map<string, string>) {
  const key = [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
  const sha256 = digests.get(key) ?? sha256OfDescriptor(fd)
  digests.set(key, sha256)
  return { device: Number(stats.dev), inode: Number(stats.ino), sha256 }
}
