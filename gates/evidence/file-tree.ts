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

/** Everything below a folder but the folders, sorted by the bytes of the path; links are named, never followed. */
export async function listTree(root: string): Promise<readonly TreeEntry[]> {
  const entries = await walk(root, '', () => undefined)
  return entries.toSorted((a, b) => comparePaths(a.path, b.path))
}

/** Folders below a folder that hold nothing: no list of files shows them. */
export async function listEmptyFolders(root: string): Promise<readonly string[]> {
  const empty: string[] = []
  await walk(root, '', (folder) => empty.push(folder))
  return empty.toSorted(comparePaths)
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
    const stats = await lstat(join(root, path))
    if (stats.isDirectory()) found.push(...(await walk(root, path, onEmpty)))
    else found.push(describe(path, stats))
  }
  return found
}

function describe(path: string, stats: Stats): TreeEntry {
  return { path, kind: kindOf(stats), size: stats.size, mode: stats.mode & MODE_BITS }
}

function kindOf(stats: Stats): EntryKind {
  if (stats.isFile()) return 'file'
  return stats.isSymbolicLink() ? 'symlink' : 'other'
}
