/** Delivers the text of many spans; tells whether the Collector took them, and never rejects. */
export interface SpanSender {
  send(body: Uint8Array): Promise<boolean>
  close(): Promise<void>
}

export interface SpanQueueOptions {
  readonly sender: SpanSender
  /** What stands around the spans of one request. */
  readonly frame: { readonly head: string; readonly tail: string }
  /** Spans that may wait; what comes beyond is dropped and counted. */
  readonly capacity?: number
  readonly batchSize?: number
  readonly intervalMs?: number
}

const CAPACITY = 8_192
const BATCH_SIZE = 512
const INTERVAL_MS = 500
/** Text becomes bytes in pieces of this size: it dies young, and the garbage collector never has to carry it along. */
const PIECE_CHARS = 8 * 1024
const BATCH_BYTES = 256 * 1024
const UTF8_BYTES_PER_CHAR_MAX = 3

/** Spans that leave in one request. Its memory is used again: a new buffer per batch keeps the collector busy. */
class Batch {
  spans = 0
  #bytes: Buffer
  #length = 0
  #text = ''

  constructor(memory: Buffer, head: string) {
    this.#bytes = memory
    this.#text = head
  }

  get isFull(): boolean {
    return this.#length >= BATCH_BYTES
  }

  get memory(): Buffer {
    return this.#bytes
  }

  add(span: string): void {
    this.#text += this.spans === 0 ? span : `,${span}`
    this.spans += 1
    if (this.#text.length >= PIECE_CHARS) this.#cut()
  }

  finish(tail: string): Buffer {
    this.#text += tail
    this.#cut()
    return this.#bytes.subarray(0, this.#length)
  }

  #cut(): void {
    const needed = this.#length + this.#text.length * UTF8_BYTES_PER_CHAR_MAX
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(needed * 2)
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    this.#length += this.#bytes.write(this.#text, this.#length)
    this.#text = ''
  }
}

/**
 * Finished spans in front of the Collector, as text: one request at a time, and a dead Collector costs the requests of a
 * service nothing but dropped spans, which are counted.
 */
export class SpanQueue {
  readonly #options: Required<SpanQueueOptions>
  readonly #timer: NodeJS.Timeout
  /** The last one is being filled. */
  readonly #batches: Batch[] = []
  /** Untouched pages of it cost nothing. */
  #spare: Buffer | undefined
  #size = 0
  #dropped = 0
  #exported = 0
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: SpanQueueOptions) {
    this.#options = { capacity: CAPACITY, batchSize: BATCH_SIZE, intervalMs: INTERVAL_MS, ...options }
    this.#timer = setInterval(() => this.#wake(), this.#options.intervalMs)
    this.#timer.unref()
  }

  get dropped(): number {
    return this.#dropped
  }

  get exported(): number {
    return this.#exported
  }

  get size(): number {
    return this.#size
  }

  get capacity(): number {
    return this.#options.capacity
  }

  add(span: string): void {
    const { capacity, batchSize } = this.#options
    if (this.#closed || this.#size >= capacity) {
      this.#dropped += 1
      return
    }
    const batch = this.#open()
    batch.add(span)
    this.#size += 1
    if (batch.spans === batchSize || batch.isFull) this.#wake()
  }

  /** Exports what waits now; spans that end meanwhile are not waited for for ever. */
  async forceFlush(): Promise<void> {
    for (let left = this.#batches.length + 1; left > 0 && this.#size > 0; left -= 1) await this.#exportNext()
    await this.#running
  }

  async shutdown(): Promise<void> {
    clearInterval(this.#timer)
    await this.forceFlush()
    this.#closed = true
    this.#dropped += this.#size
    await this.#options.sender.close()
  }

  #open(): Batch {
    const last = this.#batches.at(-1)
    if (last !== undefined && last.spans < this.#options.batchSize && !last.isFull) return last
    const memory = this.#spare ?? Buffer.allocUnsafeSlow(BATCH_BYTES + PIECE_CHARS * UTF8_BYTES_PER_CHAR_MAX)
    this.#spare = undefined
    const batch = new Batch(memory, this.#options.frame.head)
    this.#batches.push(batch)
    return batch
  }

  #wake(): void {
    if (this.#size > 0 && this.#running === undefined) void this.#exportNext()
  }

  #exportNext(): Promise<void> {
    this.#running ??= this.#export(this.#batches.shift()).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #export(batch: Batch | undefined): Promise<void> {
    if (batch === undefined) return
    this.#size -= batch.spans
    const isTaken = await this.#options.sender.send(batch.finish(this.#options.frame.tail))
    if (isTaken) this.#exported += batch.spans
    else this.#dropped += batch.spans
    this.#spare = batch.memory
  }
}
