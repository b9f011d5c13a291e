import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type DiskImage, imageAfter, type PowerLoss } from './disk-image.ts'
import { stateOfDatabase, type VectorOf } from './check-database.ts'
import { type FileCall, parseTrace, TRACED_CALLS } from './syscall-trace.ts'
import type { AcknowledgedWrite } from './write-load.ts'

/** Longest write that is recorded whole; SQLite writes pages, and WAL frames of a page and 24 bytes. */
const STRING_BYTES = 70_000
const DATABASE = 'sonia.db'

export interface WriteRecording {
  /** Ends the recording; the process that was watched lives on. */
  stop(): Promise<void>
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
      if (strace.exitCode === null && strace.signalCode === null) await once(strace, 'exit')
    },
  }
}

/** The recorded calls on the database of a folder. */
export function callsOf(traceFile: string, folder: string): readonly FileCall[] {
  return parseTrace(readFileSync(traceFile, 'latin1')).filter(({ file }) => isDatabaseFile(file, folder))
}

/** Its messages are read to the end: a pipe that nobody reads would end strace at the next thread it tells of. */
function attached(strace: ChildProcess): Promise<void> {
  let said = ''
  return new Promise((resolve, reject) => {
    strace.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      said += piece
      if (/attached/.test(said)) resolve()
    })
    strace.once('error', reject)
    strace.once('close', () => reject(new Error(`strace could not attach: ${said.trim()}`)))
  })
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
  readonly halfRows: number
  readonly wrongVectors: number
  readonly vectors: number
  readonly fault: string | null
}

/** Nothing that was promised is missing, and what is there is whole. */
export function isImageWhole({ promised, lost, halfRows, wrongVectors, fault }: ImageVerdict): boolean {
  return promised > 0 && lost === 0 && halfRows === 0 && wrongVectors === 0 && fault === null
}

export interface Recorded {
  readonly initial: DiskImage
  readonly calls: readonly FileCall[]
  readonly vectorOf?: VectorOf
}

/** Opens the disk as it would be after the loss, and compares it with what had been acknowledged by then. */
export function judgeImage(
  { initial, calls, vectorOf }: Recorded,
  writes: readonly AcknowledgedWrite[],
  loss: PowerLoss,
  scratch: string,
): ImageVerdict {
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  for (const [path, bytes] of imageAfter(initial, calls, loss))
    writeFileSync(join(scratch, basename(path)), bytes)
  const promised = writes.filter(({ atMs }) => (atMs + 1) / 1000 <= loss.at)
  const { missing, ...state } = stateOfDatabase(join(scratch, DATABASE), promised, vectorOf)
  return { loss, promised: promised.length, lost: missing.length, ...state }
}

/** Before the first loss so many writes were acknowledged: a loss of nothing proves nothing. */
const PROMISED_MIN = 10

/** Moments spread over the recording, each right after an acknowledgement, with every kind of survivor in turn. */
export function lossesFor(
  writes: readonly AcknowledgedWrite[],
  count: number,
  seed: number,
): readonly PowerLoss[] {
  const kinds = ['none', 'some', 'torn'] as const
  return Array.from({ length: count }, (_, index) => {
    const later = writes.length - PROMISED_MIN
    const write = writes[PROMISED_MIN + Math.floor(((index + 1) * later) / count) - 1] ?? writes.at(-1)
    return {
      at: (write?.atMs ?? 0) / 1000,
      seed: seed + index,
      unsynced: kinds[index % kinds.length] ?? 'none',
    }
  })
}
