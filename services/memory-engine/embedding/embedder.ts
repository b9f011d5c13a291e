import type { CallContext, NewCall } from '#chassis/call-context.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Health } from '#chassis/health.ts'
import type { Logger } from '#chassis/logging.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import type { MemoryEngineConfig } from '../config.ts'
import type { MemoryStore } from '../memory-store.ts'
import type { QueryVector, Vectorless } from '../reading/read-job.ts'
import { quantise } from '../vectors/quantise.ts'
import { readEmbeddings } from './embeddings-answer.ts'

export interface Embedder {
  /** The vector of a query, or undefined when there is no provider or it does not answer in time. */
  readonly embedQuery: (query: string, call: CallContext) => Promise<QueryVector | undefined>
  /** Content was written or changed at this seq or above it: vectors are made in the background. */
  readonly notice: (seq: number) => void
  readonly stop: () => Promise<void>
}

export interface EmbedderParts {
  readonly store: MemoryStore
  readonly neighbours: Neighbours
  readonly startCall: (settings: NewCall) => CallContext
  readonly config: MemoryEngineConfig['embeddings']
  readonly health: Health
  readonly log: Logger
}

const BATCH_TIMEOUT_MS = 20_000
const RETRY_FIRST_MS = 500
const RETRY_LAST_MS = 60_000
/** Providers cut or refuse longer texts; the beginning of a memory says what it is about. */
const EMBEDDED_CHARS_MAX = 8000
/** The oldest are asked for again beyond it. */
const REFUSED_MAX = 10_000

/** Without a provider in the configuration nothing is sent, and every search is lexical. */
export function createEmbedder(parts: EmbedderParts): Embedder {
  if (!parts.config.enabled) {
    return {
      embedQuery: () => Promise.resolve(undefined),
      notice: () => undefined,
      stop: () => Promise.resolve(),
    }
  }
  return new NeighbourEmbedder(parts)
}

class NeighbourEmbedder implements Embedder {
  readonly #parts: EmbedderParts
  readonly #stopping = new AbortController()
  #working: Promise<void> | undefined
  #again = false
  /** All up to here have their vectors, but for what was noticed below it meanwhile. */
  #scannedSeq = 0
  /** Where what was noticed since the page under way was asked for begins. */
  #noticedSeq = Number.POSITIVE_INFINITY
  /** When what the provider refused was written: until it changes it is not asked for again. */
  readonly #refused = new Map<string, number>()
  #retryMs = RETRY_FIRST_MS
  #timer: NodeJS.Timeout | undefined

  constructor(parts: EmbedderParts) {
    this.#parts = parts
  }

  embedQuery = async (query: string, call: CallContext): Promise<QueryVector | undefined> => {
    const { config } = this.#parts
    try {
      const [values] = await this.#embed([query], call, config.query_timeout_ms)
      return values === undefined ? undefined : { model: config.model, values: Float32Array.from(values) }
    } catch (error) {
      // The caller left or ran out of time: that says nothing about the provider.
      if (!call.signal.aborted) this.#complain(error)
      return undefined
    }
  }

  notice = (seq: number): void => {
    this.#noticedSeq = Math.min(this.#noticedSeq, seq)
    this.#wake()
  }

  #wake(): void {
    if (this.#stopping.signal.aborted || this.#timer !== undefined) return
    this.#again = true
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  stop = async (): Promise<void> => {
    clearTimeout(this.#timer)
    this.#stopping.abort(new ServiceError('UNAVAILABLE', 'The memory engine is stopping'))
    await this.#working
  }

  async #work(): Promise<void> {
    try {
      while (this.#again && !this.#stopping.signal.aborted) {
        this.#again = false
        while (await this.#embedSome());
      }
      this.#retryMs = RETRY_FIRST_MS
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#complain(error)
      this.#retryLater()
    }
  }

  /** One page of the table; false at its end. */
  async #embedSome(): Promise<boolean> {
    const { config, store } = this.#parts
    if (this.#stopping.signal.aborted) return false
    // A forgotten memory's seq is given again, and content changes below: back to the lowest that was noticed.
    this.#scannedSeq = Math.max(0, Math.min(this.#scannedSeq, this.#noticedSeq - 1))
    this.#noticedSeq = Number.POSITIVE_INFINITY
    const page = await store.read(
      { kind: 'without_vector', model: config.model, afterSeq: this.#scannedSeq, limit: config.batch },
      this.#newCall(),
    )
    if (page.lastSeq === null) return false
    const embedded = await this.#embedRows(
      page.rows.filter(({ id, updated_at_ms }) => this.#refused.get(id) !== updated_at_ms),
    )
    const vectors = embedded.map(([{ id, updated_at_ms }, embedding]) => ({
      id,
      updated_at_ms,
      model: config.model,
      ...quantise(embedding),
    }))
    if (vectors.length > 0) await store.write({ kind: 'put_vectors', vectors }, this.#newCall())
    this.#scannedSeq = page.lastSeq
    return true
  }

  /** All at once; one by one where the provider refuses them, without those that it refuses alone. */
  async #embedRows(
    rows: readonly Vectorless[],
  ): Promise<readonly (readonly [Vectorless, readonly number[]])[]> {
    if (rows.length === 0) return []
    try {
      const embeddings = await this.#embedAside(rows.map(embeddedText))
      return rows.map((row, place) => [row, embeddings[place] ?? []] as const)
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
    // One that refuses every text is no reason to leave memories out: then it is waited for as one that is down.
    await this.#embedAside([HARMLESS])
    const taken: (readonly [Vectorless, readonly number[]])[] = []
    for (const row of rows) {
      const [embedding] = await this.#embedAside([embeddedText(row)]).catch((error: unknown) => {
        if (!isRefusal(error)) throw error
        this.#noteRefused(row)
        return []
      })
      if (embedding !== undefined) taken.push([row, embedding])
    }
    return taken
  }

  #noteRefused({ id, updated_at_ms }: Vectorless): void {
    this.#parts.log.warn({ operation: 'embeddings', memory_id: id }, 'the provider refuses this memory')
    const [oldest] = this.#refused.keys()
    if (oldest !== undefined && this.#refused.size >= REFUSED_MAX) this.#refused.delete(oldest)
    this.#refused.set(id, updated_at_ms)
  }

  /** For nobody who waits. */
  #embedAside(texts: readonly string[]): Promise<readonly number[][]> {
    return this.#embed(texts, this.#newCall(), BATCH_TIMEOUT_MS)
  }

  #newCall(): CallContext {
    return this.#parts.startCall({ timeoutMs: BATCH_TIMEOUT_MS, signal: this.#stopping.signal })
  }

  async #embed(input: readonly string[], call: CallContext, timeoutMs: number): Promise<readonly number[][]> {
    const { neighbours, config, health } = this.#parts
    const answer = await neighbours.call<unknown>(
      'model-router',
      {
        method: 'POST',
        path: '/v1/embeddings',
        body: { model: config.model, input, encoding_format: 'float' },
        timeoutMs,
        idempotent: true,
      },
      call,
    )
    const embeddings = readEmbeddings(answer.body, input.length)
    health.degrade('embeddings', null)
    return embeddings
  }

  #complain(error: unknown): void {
    this.#parts.health.degrade('embeddings', 'No embeddings: searches are lexical')
    this.#parts.log.warn({ operation: 'embeddings', error }, 'embedding failed')
  }

  #retryLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#wake()
    }, this.#retryMs)
    this.#timer.unref()
    this.#retryMs = Math.min(RETRY_LAST_MS, this.#retryMs * 2)
  }
}

const HARMLESS = 'hello'

function embeddedText({ content }: Vectorless): string {
  return content.slice(0, EMBEDDED_CHARS_MAX).toWellFormed()
}

/** It was answered, and the text is what it does not take. */
function isRefusal(error: unknown): boolean {
  return error instanceof ServiceError && (error.code === 'INVALID_ARGUMENT' || error.code === 'TOO_LARGE')
}
