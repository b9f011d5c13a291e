import { closeSync, fstatSync, mkdirSync, openSync, renameSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface LogFileOptions {
  readonly path: string
  /** The file is renamed to `.1` (and `.1` to `.2` ...) when it would grow past this. */
  readonly maxBytes?: number
  readonly keep?: number
  /** Lines beyond this many waiting bytes are dropped and counted. */
  readonly maxQueuedBytes?: number
  readonly onDrop?: (lines: number) => void
}

const MAX_BYTES = 32 * 1024 * 1024
const KEEP = 3
const MAX_QUEUED_BYTES = 8 * 1024 * 1024
const BATCH_CHARS = 64 * 1024
const BATCH_DELAY_MS = 100

/**
 * A log destination: lines are gathered and written in batches of 64 KB or every 100 ms, whichever comes first.
 * Log trouble never reaches a request: what cannot be written is dropped and counted.
 */
export class LogFile {
  readonly #options: Required<LogFileOptions>
  #fd: number
  #size: number
  #pending = ''
  #pendingLines = 0
  /** The batch handed to the kernel and how much of it is written. */
  #batch: Buffer | undefined
  #written = 0
  #batchLines = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: LogFileOptions) {
    this.#options = {
      maxBytes: MAX_BYTES,
      keep: KEEP,
      maxQueuedBytes: MAX_QUEUED_BYTES,
      onDrop: () => undefined,
      ...options,
    }
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 })
    this.#fd = openSync(options.path, 'a', 0o600)
    this.#size = fstatSync(this.#fd).size
  }

  /** Pino calls this with one complete line. */
  write(line: string): void {
    if (this.#closed || this.#pending.length + line.length > this.#options.maxQueuedBytes) {
      this.#options.onDrop(1)
      return
    }
    this.#pending += line
    this.#pendingLines += 1
    if (this.#pending.length >= BATCH_CHARS) this.#startBatch()
    else this.#timer ??= setTimeout(() => this.#startBatch(), BATCH_DELAY_MS)
  }

  /** Writes everything now, in this turn: for the exit paths. Safe to call at any time, also twice. */
  flushSync(): void {
    this.#stopTimer()
    try {
      this.#writeRestSync()
      if (this.#takePending()) this.#writeRestSync()
    } catch {
      this.#dropBatch()
    }
  }

  close(): void {
    if (this.#closed) return
    this.flushSync()
    this.#closed = true
    closeSync(this.#fd)
  }

  #startBatch(): void {
    this.#stopTimer()
    if (this.#batch !== undefined || this.#closed || !this.#takePending()) return
    this.#writeSome()
  }

  #writeSome(): void {
    const batch = this.#batch
    if (batch === undefined) return
    write(this.#fd, batch, this.#written, (error, count) => {
      // An exit path may have flushed this very batch meanwhile.
      if (this.#batch !== batch) return
      if (error !== null && error.code !== 'EAGAIN') this.#dropBatch()
      else this.#advance(error === null ? count : 0)
    })
  }

  #advance(count: number): void {
    this.#written += count
    if (this.#batch !== undefined && this.#written < this.#batch.length) {
      this.#writeSome()
      return
    }
    this.#batch = undefined
    if (this.#pending.length > 0) this.#startBatch()
  }

  #takePending(): boolean {
    if (this.#pendingLines === 0) return false
    this.#batch = Buffer.from(this.#pending)
    this.#written = 0
    this.#batchLines = this.#pendingLines
    this.#pending = ''
    this.#pendingLines = 0
    this.#rotateIfFull(this.#batch.length)
    this.#size += this.#batch.length
    return true
  }

  #writeRestSync(): void {
    while (this.#batch !== undefined && this.#written < this.#batch.length) {
      this.#written += writeSync(this.#fd, this.#batch, this.#written)
    }
    this.#batch = undefined
  }

  #dropBatch(): void {
    this.#options.onDrop(this.#batchLines)
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
      const next = openSync(path, 'a', 0o600)
      closeSync(this.#fd)
      this.#fd = next
      this.#size = 0
    } catch {
      // Out of descriptors or of space: go on in the old file, and try again with the next batch.
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
