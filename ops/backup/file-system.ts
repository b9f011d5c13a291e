import {
  closeSync,
  copyFileSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { makeFolder } from '../make-folder.ts'
import { systemErrorCode } from '../ops-error.ts'
import { BackupError } from './backup-error.ts'

/**
 * Every file operation of backup and restore goes through here, one method an operation, so that a test can make
 * the first, second, third ... of them fail, or end the process there.
 */
export interface FileSystem {
  /** Entry names, sorted. */
  list(folder: string): readonly string[]
  kindOf(path: string): 'file' | 'folder' | 'other' | 'absent'
  /** Where the links of a path lead; throws where they lead nowhere. */
  realPath(path: string): string
  sizeOf(path: string): number
  read(path: string): Buffer
  makeFolder(path: string): void
  /** Whole and durable: written, fsynced. */
  write(path: string, content: string | Buffer, mode: number): void
  copy(from: string, to: string): void
  /** The same, put on the disk bit by bit: a sync of somebody else never waits for the whole of it. */
  copyBitByBit(from: string, to: string): void
  sync(path: string): void
  rename(from: string, to: string): void
  remove(path: string): void
  /** Removes a file from its end: freeing all of a large one at once holds up the syncs of others. */
  removeBitByBit(path: string): void
  freeBytes(path: string): number
  /** Calls back with pieces of the file, in order. */
  readPieces(path: string, onPiece: (piece: Buffer) => void): void
}

const FILE_MODE = 0o600
const PIECE_BYTES = 1 << 20

export const realFileSystem: FileSystem = {
  list: (folder) => readdirSync(folder).sort(),
  kindOf,
  realPath: (path) => realpathSync(path),
  sizeOf: (path) => lstatSync(path).size,
  read: (path) => readFileSync(path),
  makeFolder,
  write: (path, content, mode) => {
    writeFileSync(path, content, { mode, flush: true })
  },
  copy: (from, to) => copyFileSync(from, to),
  copyBitByBit,
  removeBitByBit,
  sync: withDescriptor((descriptor) => fsyncSync(descriptor)),
  rename: (from, to) => renameSync(from, to),
  remove: (path) => rmSync(path, { recursive: true, force: true }),
  freeBytes: (path) => {
    const disk = statfsSync(path)
    return disk.bavail * disk.bsize
  },
  readPieces: (path, onPiece) => withDescriptor((descriptor) => readAll(descriptor, onPiece))(path),
}

const BIT_BYTES = 128 * 1024

function copyBitByBit(from: string, to: string): void {
  const target = openSync(to, 'w', FILE_MODE)
  const buffer = Buffer.allocUnsafe(BIT_BYTES)
  try {
    withDescriptor((source) => {
      for (let bytes = readSync(source, buffer); bytes > 0; bytes = readSync(source, buffer)) {
        for (let written = 0; written < bytes; ) written += writeSync(target, buffer.subarray(written, bytes))
        fdatasyncSync(target)
      }
    })(from)
  } finally {
    closeSync(target)
  }
}

const FREED_BYTES = 1 << 19

function removeBitByBit(path: string): void {
  const file = openSync(path, 'r+')
  try {
    for (let size = fstatSync(file).size; size > 0; size -= FREED_BYTES) {
      ftruncateSync(file, Math.max(0, size - FREED_BYTES))
      fdatasyncSync(file)
    }
  } finally {
    closeSync(file)
  }
  rmSync(path)
}

function kindOf(path: string): ReturnType<FileSystem['kindOf']> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return 'absent'
  if (found.isDirectory()) return 'folder'
  return found.isFile() ? 'file' : 'other'
}

function withDescriptor(work: (descriptor: number) => void): (path: string) => void {
  return (path) => {
    const descriptor = openSync(path, 'r')
    try {
      work(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

function readAll(descriptor: number, onPiece: (piece: Buffer) => void): void {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  for (;;) {
    const bytes = readSync(descriptor, buffer)
    if (bytes === 0) return
    onPiece(buffer.subarray(0, bytes))
  }
}

/** System errors become our two codes; everything else passes. */
export function explainIo(error: unknown, on: string): unknown {
  const code = systemErrorCode(error)
  if (code === undefined || error instanceof BackupError) return error
  const isFull = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(code)
  return new BackupError(isFull ? 'DISK_FULL' : 'IO_ERROR', `${on} (${code})`, {
    hint: isFull
      ? 'make room, or name another folder; the last good backup is untouched'
      : 'look at the disk and its rights, then run it again',
    cause: error,
  })
}
