import { closeSync, readSync } from 'node:fs'
import { ServiceError } from '#chassis/errors.ts'
import { parsePath } from './path-name.ts'
import { type OpenedFile, type SandboxRoot, openRegularFile, withFolder } from './walk.ts'

export const FILE_BYTES_MAX = 10 * 1024 * 1024

export interface FileContent {
  readonly content: string
  /** base64 where the bytes are no valid UTF-8. */
  readonly encoding: 'utf-8' | 'base64'
  readonly sizeBytes: number
}

/** Reads a regular file below the root. Synchronous: a walk through descriptors costs less than one thread hop. */
export function readSandboxFile(root: SandboxRoot, path: string): FileContent {
  return decode(readSandboxBytes(root, parsePath(root, path)))
}

function readSandboxBytes(root: SandboxRoot, components: readonly string[]): Buffer {
  const name = components.at(-1)
  if (name === undefined) throw new ServiceError('NOT_FOUND', 'No such file.')
  return withFolder(root, components.slice(0, -1), (folderFd) => {
    const file = openRegularFile(root, folderFd, name)
    try {
      return readBounded(file)
    } finally {
      closeSync(file.fd)
    }
  })
}

/** Never more than the limit, also when the file grows while it is read. */
function readBounded({ fd, stats }: OpenedFile): Buffer {
  if (stats.size > FILE_BYTES_MAX) throw tooLarge()
  // One byte more than promised: a full buffer means that the file grew, and then the rest is read in steps.
  let buffer = Buffer.allocUnsafe(stats.size + 1)
  let length = 0
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null)
    length += count
    if (count === 0 || length < buffer.length) return buffer.subarray(0, length)
    if (length > FILE_BYTES_MAX) throw tooLarge()
    buffer = Buffer.concat([buffer], Math.min(buffer.length * 2, FILE_BYTES_MAX + 1))
  }
}

function tooLarge(): ServiceError {
  return new ServiceError('TOO_LARGE', 'The file is larger than 10 MiB.')
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Buffer): FileContent {
  try {
    return { content: strictUtf8.decode(bytes), encoding: 'utf-8', sizeBytes: bytes.length }
  } catch {
    return { content: bytes.toString('base64'), encoding: 'base64', sizeBytes: bytes.length }
  }
}
