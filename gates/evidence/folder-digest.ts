import { join } from 'node:path'
import { listTree } from './file-tree.ts'
import { sha256, sha256OfFile } from './sha256.ts'

/** One digest for a folder's regular files, names included; a link or device in it is an error. */
export async function folderDigest(
  root: string,
  keep: (path: string) => boolean = () => true,
): Promise<string> {
  const lines: string[] = []
  for (const entry of await listTree(root)) {
    if (!keep(entry.path)) continue
    if (entry.kind !== 'file') throw new Error(`${entry.path} is not a regular file`)
    lines.push(`${await sha256OfFile(join(root, entry.path))}  ${entry.path}\n`)
  }
  return sha256(lines.join(''))
}
