import type { CallContext, NewCall } from '#chassis/call-context.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Health } from '#chassis/health.ts'
import type { Logger } from '#chassis/logging.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import type { MemoryEngineConfig } from '../config.ts'
import type { MemoryStore } from '../memory-store.ts'
import type { QueryVector } from '../reading/read-job.ts'
import { quantise } from '../vectors/quantise.ts'
import { readEmbeddings } from './embeddings-answer.ts'

export interface Embedder {
  /** The vector of a query, or undefined when there is no provider or it does not answer in time. */
  readonly embedQuery: (query: string, call: CallContext) => Promise<QueryVector | undefined>
  /** Content was written: its vector is made in the background. */
  readonly notice: () => void
  /** The content of this memory changed. */
  readonly noticeReplaced: () => void
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

/** Without a provider in the configuration nothing is sent, and every search is lexical. */
export function createEmbedder(parts: EmbedderParts): Embedder {
  if (!parts.config.enabled) {
    return {
      embedQuery: () => Promise.resolve(undefined),
      notice: () => undefined,
      noticeReplaced: () => undefined,
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
  #scannedSeq = 0
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

  notice = (): void => {
    if (this.#stopping.signal.aborted || this.#timer !== undefined) return
    this.#again = true
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  noticeReplaced = (): void => {
    this.#scannedSeq = 0
    this.notice()
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
    const { config, store, startCall } = this.#parts
    if (this.#stopping.signal.aborted) return false
    const call = startCall({ timeoutMs: BATCH_TIMEOUT_MS, signal: this.#stopping.signal })
    const page = await store.read(
      { kind: 'without_vector', model: config.model, afterSeq: this.#scannedSeq, limit: config.batch },
      call,
    )
    if (page.lastSeq === null) return false
    const texts = page.rows.map(({ content }) => content.slice(0, EMBEDDED_CHARS_MAX).toWellFormed())
    const embeddings = texts.length === 0 ? [] : await this.#embed(texts, call, BATCH_TIMEOUT_MS)
    const vectors = page.rows.map(({ id, updated_at_ms }, place) => ({
      id,
      updated_at_ms,
      model: config.model,
      ...quantise(embeddings[place] ?? []),
    }))
    if (vectors.length > 0) await store.write({ kind: 'put_vectors', vectors }, call)
    this.#scannedSeq = page.lastSeq
    return true
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
      this.notice()
    }, this.#retryMs)
    this.#timer.unref()
    this.#retryMs = Math.min(RETRY_LAST_MS, this.#retryMs * 2)
  }
}
