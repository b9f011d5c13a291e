import { closeSync, constants, fstatSync, mkdirSync, openSync, renameSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface LogFileOptions {
  readonly path: string
  /** The file is renamed to `.1` (and `.1` to `.2` ...) when it would grow past this. */
  readonly maxBytes?: number
  readonly keep?: number
  /** Lines beyond this many waiting characters are dropped and counted. */
  readonly maxQueuedChars?: number
  readonly onDrop?: (lines: number) => void
}

const MAX_BYTES = 32 * 1024 * 1024
const KEEP = 3
const MAX_QUEUED_CHARS = 8 * 1024 * 1024
const BATCH_CHARS = 32 * 1024
const BATCH_DELAY_MS = 100
const UTF8_BYTES_PER_CHAR_MAX = 3
/** A batch, and one long line more; what is longer still gets memory of its own. */
const MEMORY_BYTES = 4 * BATCH_CHARS

interface Batch {
  readonly fd: number
  readonly bytes: Buffer
  readonly position: number
  readonly lines: number
  written: number
}

/**
 * A log destination: lines are gathered and written in batches of 32 KB or every 100 ms, whichever comes first.
 * Log trouble never reaches a request: what cannot be written is dropped and counted. Every write names its position,
 * so an exit path may write a batch again that the kernel has already begun: the same bytes land in the same place.
 */
export class LogFile {
  readonly #options: Required<LogFileOptions>
  #fd: number
  #size: number
  #pending = ''
  #pendingLines = 0
  #batch: Batch | undefined
  /** Of the batch under way: there is one at a time, and new memory for each keeps the garbage collector busy. */
  readonly #memory = Buffer.allocUnsafeSlow(MEMORY_BYTES)
  #isWriting = false
  /** A rotated or closed file, closed for good once no write is under way. */
  #retiredFd: number | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: LogFileOptions) {
    this.#options = {
      maxBytes: MAX_BYTES,
      keep: KEEP,
      maxQueuedChars: MAX_QUEUED_CHARS,
      onDrop: () => undefined,
      ...options,
    }
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 })
    this.#fd = openLog(options.path)
    this.#size = fstatSync(this.#fd).size
  }

  /** Pino calls this with one complete line. */
  write(line: string): void {
    if (this.#closed || this.#pending.length + line.length > this.#options.maxQueuedChars) {
      this.#options.onDrop(1)
      return
    }
    this.#pending += line
    this.#pendingLines += 1
    if (this.#pending.length >= BATCH_CHARS) this.#startBatch()
    else this.#timer ??= setTimeout(() => this.#startBatch(), BATCH_DELAY_MS)
  }

  /** Everything written so far is in the file when this returns: for the exit paths. Safe at any time, also twice. */
  flushSync(): void {
    if (this.#closed) return
    this.#stopTimer()
    this.#finishBatchSync()
    if (this.#pendingLines > 0) {
      this.#takePending()
      this.#finishBatchSync()
    }
  }

  close(): void {
    if (this.#closed) return
    this.flushSync()
    this.#closed = true
    this.#retire(this.#fd)
  }

  #startBatch(): void {
    this.#stopTimer()
    if (this.#isWriting || this.#batch !== undefined || this.#pendingLines === 0) return
    this.#writeOn(this.#takePending())
  }

  /** One asynchronous write; a short one goes on where it ended. */
  #writeOn(batch: Batch): void {
    const { fd, bytes, position, written } = batch
    this.#isWriting = true
    write(fd, bytes, written, bytes.length - written, position + written, (error, count) => {
      this.#isWriting = false
      this.#closeRetired()
      // An exit path may have finished this very batch meanwhile.
      if (this.#batch === batch) this.#advance(batch, error, count)
      if (this.#pending.length >= BATCH_CHARS) this.#startBatch()
    })
  }

  #advance(batch: Batch, error: Error | null, count: number): void {
    batch.written += count
    if (error !== null) this.#dropBatch(batch)
    else if (batch.written < batch.bytes.length) this.#writeOn(batch)
    else this.#batch = undefined
  }

  #takePending(): Batch {
    const bytes = this.#bytesOf(this.#pending)
    this.#rotateIfFull(bytes.length)
    this.#batch = { fd: this.#fd, bytes, position: this.#size, lines: this.#pendingLines, written: 0 }
    this.#size += bytes.length
    this.#pending = ''
    this.#pendingLines = 0
    return this.#batch
  }

  #bytesOf(text: string): Buffer {
    if (this.#isWriting || text.length * UTF8_BYTES_PER_CHAR_MAX > MEMORY_BYTES) return Buffer.from(text)
    return this.#memory.subarray(0, this.#memory.write(text))
  }

  #finishBatchSync(): void {
    const batch = this.#batch
    if (batch === undefined) return
    try {
      while (batch.written < batch.bytes.length) {
        const { fd, bytes, position, written } = batch
        batch.written += writeSync(fd, bytes, written, bytes.length - written, position + written)
      }
      this.#batch = undefined
    } catch {
      this.#dropBatch(batch)
    }
  }

  #dropBatch(batch: Batch): void {
    this.#options.onDrop(batch.lines)
    this.#batch = undefined
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #rotateIfFull(nextBytes: number): void {
    if (this.#size === 0 || this.#size + nextBytes <= this.#options.maxBytes) return
    const { path, keep } = this.#options
    try {
      for (let age = keep - 1; age >= 1; age -= 1) renameIfThere(`${path}.${age}`, `${path}.${age + 1}`)
      renameIfThere(path, `${path}.1`)
      const next = openLog(path)
      this.#retire(this.#fd)
      this.#fd = next
      this.#size = 0
    } catch {
      // Out of descriptors or of space: go on in the old file, and try again with the next batch.
    }
  }

  #retire(fd: number): void {
    // Two rotations within one write: the first file has no write of ours under way any more.
    if (this.#retiredFd !== undefined) closeSync(this.#retiredFd)
    this.#retiredFd = fd
    if (!this.#isWriting) this.#closeRetired()
  }

  #closeRetired(): void {
    if (this.#retiredFd !== undefined) closeSync(this.#retiredFd)
    this.#retiredFd = undefined
  }
}

/** Not for appending: an appending descriptor ignores the position of a write. */
function openLog(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
