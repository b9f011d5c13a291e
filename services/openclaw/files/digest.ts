import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'

const CHUNK_BYTES = 256 * 1024

/** SHA-256 of all that the descriptor's file holds, its position untouched. */
export function sha256OfDescriptor(fd: number): string {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let position = 0; ; ) {
    const count = readSync(fd, chunk, 0, chunk.length, position)
    if (count === 0) return hash.digest('hex')
    hash.update(chunk.subarray(0, count))
    position += count
  }
}
