import { join } from 'node:path'
import { listTree } from './file-tree.ts'
import { sha256, sha256OfFile } from './sha256.ts'

/** One digest for a folder's regular files, names included; a link or device in it is an error. */
export async function folderDigest(
  root: string,
  keep: (path: string) => boolean = () => true,
): Promise<string> {
  const listed: ListedFile[] = []
  for (const entry of await listTree(root)) {
    if (!keep(entry.path)) continue
    if (entry.kind !== 'file') throw new Error(`${entry.path} is not a regular file`)
    listed.push({ path: entry.path, sha256: await sha256OfFile(join(root, entry.path)) })
  }
  return digestOfListed(listed)
}

interface ListedFile {
  readonly path: string
  readonly sha256: string
}

/** The same digest from a list in the order of the paths' bytes, where the digest of each file is known. */
export function digestOfListed(files: readonly ListedFile[]): string {
  return sha256(files.map((file) => `${file.sha256}  ${file.path}\n`).join(''))
}
