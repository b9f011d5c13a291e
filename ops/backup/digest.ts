import { createHash } from 'node:crypto'
import type { FileSystem } from './file-system.ts'

/** SHA-256 (hex) of a file's content. */
export function digestOf(path: string, files: FileSystem): string {
  const hash = createHash('sha256')
  files.readPieces(path, (piece) => hash.update(piece))
  return hash.digest('hex')
}
