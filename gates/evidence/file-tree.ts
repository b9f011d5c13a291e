import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

type EntryKind = 'file' | 'symlink' | 'other'

export interface TreeEntry {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly kind: EntryKind
  readonly size: number
  /** Permission bits with set-id and sticky bits, as lstat gives them. */
  readonly mode: number
}

const MODE_BITS = 0o7777

export interface Tree {
  readonly entries: readonly TreeEntry[]
  /** Folders that hold nothing: no list of files shows them. */
  readonly emptyFolders: readonly string[]
}

/** Everything below a folder, sorted by the bytes of the path; links are named, never followed. */
export async function readTree(root: string): Promise<Tree> {
  const emptyFolders: string[] = []
  const entries = await walk(root, '', (folder) => emptyFolders.push(folder))
  return {
    entries: entries.toSorted((a, b) => comparePaths(a.path, b.path)),
    emptyFolders: emptyFolders.toSorted(comparePaths),
  }
}

/** The same without the folders. */
export async function listTree(root: string): Promise<readonly TreeEntry[]> {
  return (await readTree(root)).entries
}

/** Which of these paths name anything below the folder. */
export async function presentOf(root: string, paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(paths.map((path) => lstat(join(root, path)).catch(() => null)))
  return paths.filter((_, index) => found[index] !== null)
}

/** Order of `LC_ALL=C sort`, the same under every locale. */
export function comparePaths(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

async function walk(root: string, folder: string, onEmpty: (folder: string) => void): Promise<TreeEntry[]> {
  const found: TreeEntry[] = []
  const names = await readdir(join(root, folder))
  if (names.length === 0) onEmpty(folder)
  for (const name of names) {
    const path = folder === '' ? name : `${folder}/${name}`
    const stats = await lstat(join(root, path)).catch(nullIfMissing)
    // A name that is no UTF-8 cannot be asked for by what it reads as.
    if (stats === null) found.push({ path, kind: 'other', size: 0, mode: 0 })
    else if (stats.isDirectory()) found.push(...(await walk(root, path, onEmpty)))
    else found.push(describe(path, stats))
  }
  return found
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error
  return null
}

function describe(path: string, stats: Stats): TreeEntry {
  return { path, kind: kindOf(stats), size: stats.size, mode: stats.mode & MODE_BITS }
}

function kindOf(stats: Stats): EntryKind {
  if (stats.isFile()) return 'file'
  return stats.isSymbolicLink() ? 'symlink' : 'other'
}
