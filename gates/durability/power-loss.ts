import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type DiskImage, imageAfter, type PowerLoss } from './disk-image.ts'
import { stateOfDatabase } from './find-writes.ts'
import { type FileCall, parseTrace, TRACED_CALLS } from './syscall-trace.ts'
import type { AcknowledgedWrite } from './write-load.ts'

/** Longest write that is recorded whole; SQLite writes pages, and WAL frames of a page and 24 bytes. */
const STRING_BYTES = 70_000
const DATABASE = 'sonia.db'

export interface WriteRecording {
  /** Ends the recording; the process that was watched lives on. */
  stop(): Promise<readonly FileCall[]>
  readonly initial: DiskImage
}

/**
 * Records every write and sync of a running process (strace -p), from a moment at which nothing is being written.
 * The files as they are then are the disk that all images start from.
 */
export async function recordWrites(pid: number, folder: string, traceFile: string): Promise<WriteRecording> {
  const args = ['-f', '-ttt', '-T', '-y', '-xx', '-s', String(STRING_BYTES), '-e', `trace=${TRACED_CALLS}`]
  const strace = spawn('strace', [...args, '-o', traceFile, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await attached(strace)
  const initial = new Map(databaseFiles(folder).map((path) => [path, readFileSync(path)]))
  return {
    initial,
    stop: async () => {
      strace.kill('SIGINT')
      if (strace.exitCode === null) await once(strace, 'exit')
      return parseTrace(readFileSync(traceFile, 'latin1')).filter(({ file }) => isDatabaseFile(file, folder))
    },
  }
}

async function attached(strace: ChildProcess): Promise<void> {
  let said = ''
  strace.stderr?.setEncoding('utf8')
  for await (const piece of strace.stderr ?? []) {
    said += String(piece)
    if (/attached/.test(said)) return
  }
  throw new Error(`strace could not attach: ${said.trim()}`)
}

function databaseFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => isDatabaseFile(path, folder))
}

/** -shm is left out: SQLite makes it anew from the WAL after a crash. */
function isDatabaseFile(path: string, folder: string): boolean {
  return path === join(folder, DATABASE) || path === join(folder, `${DATABASE}-wal`)
}

export interface ImageVerdict {
  readonly loss: PowerLoss
  readonly promised: number
  readonly lost: number
  readonly fault: string | null
}

/** Opens the disk as it would be after the loss, and compares it with what had been acknowledged by then. */
export function judgeImage(
  { initial, calls }: { readonly initial: DiskImage; readonly calls: readonly FileCall[] },
  writes: readonly AcknowledgedWrite[],
  loss: PowerLoss,
  scratch: string,
): ImageVerdict {
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  for (const [path, bytes] of imageAfter(initial, calls, loss))
    writeFileSync(join(scratch, basename(path)), bytes)
  const promised = writes.filter(({ atMs }) => (atMs + 1) / 1000 <= loss.at)
  const { missing, fault } = stateOfDatabase(join(scratch, DATABASE), promised)
  return { loss, promised: promised.length, lost: missing.length, fault }
}

/** Moments spread over the recording, each right after an acknowledgement, with every kind of survivor in turn. */
export function lossesFor(
  writes: readonly AcknowledgedWrite[],
  count: number,
  seed: number,
): readonly PowerLoss[] {
  const kinds = ['none', 'some', 'torn'] as const
  return Array.from({ length: count }, (_, index) => {
    const write = writes[Math.floor(((index + 1) * writes.length) / count) - 1] ?? writes.at(-1)
    return {
      at: (write?.atMs ?? 0) / 1000,
      seed: seed + index,
      unsynced: kinds[index % kinds.length] ?? 'none',
    }
  })
}
