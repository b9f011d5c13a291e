import { askService, serviceToken, type StackAddress } from '../runners/service-access.ts'
import { contentOf } from './drill-content.ts'

/** A memory whose storing was acknowledged: from then on it may not be lost. */
export interface AcknowledgedWrite {
  readonly id: string
  readonly content: string
  /** Wall clock, milliseconds, when the answer had arrived. */
  readonly atMs: number
}

export interface WriteLoad {
  readonly acknowledged: readonly AcknowledgedWrite[]
  /** Writes that were refused or cut off: nothing was promised about them. */
  readonly refused: () => number
  stop(): Promise<void>
}

export interface WriteLoadOptions {
  readonly address: StackAddress
  readonly writers: number
  /** Goes into every content, so that a search finds exactly these. */
  readonly mark: string
  readonly nowMs: () => number
  readonly signal: AbortSignal
}

const TOKEN_RENEW_MS = 120_000
const RETRY_MS = 150

/** Writers that store one memory after the other and note what was acknowledged, until they are stopped. */
export function startWriteLoad(options: WriteLoadOptions): WriteLoad {
  const acknowledged: AcknowledgedWrite[] = []
  const counts = { refused: 0, next: 0 }
  const stopping = new AbortController()
  const signal = AbortSignal.any([stopping.signal, options.signal])
  const writers = Array.from({ length: options.writers }, () =>
    writeUntil(signal, options, { acknowledged, counts }),
  )
  return {
    acknowledged,
    refused: () => counts.refused,
    stop: async () => {
      stopping.abort()
      await Promise.all(writers)
    },
  }
}

interface Ledger {
  readonly acknowledged: AcknowledgedWrite[]
  readonly counts: { refused: number; next: number }
}

async function writeUntil(signal: AbortSignal, options: WriteLoadOptions, ledger: Ledger): Promise<void> {
  let token = { text: '', madeAtMs: Number.NEGATIVE_INFINITY }
  while (!signal.aborted) {
    try {
      if (options.nowMs() - token.madeAtMs > TOKEN_RENEW_MS) {
        token = {
          text: await serviceToken(options.address, 'api-gateway', 'memory-engine'),
          madeAtMs: options.nowMs(),
        }
      }
      ledger.counts.next += 1
      const written = await storeMemory(options, token.text, contentOf(options.mark, ledger.counts.next))
      if (written !== null) ledger.acknowledged.push(written)
      else ledger.counts.refused += 1
    } catch {
      ledger.counts.refused += 1
      await pauseUntil(signal, RETRY_MS)
    }
  }
}

async function storeMemory(
  options: WriteLoadOptions,
  token: string,
  content: string,
): Promise<AcknowledgedWrite | null> {
  const { status, body } = await askService(options.address, 'memory-engine', {
    path: '/store',
    body: { type: 'drill', content },
    headers: { 'x-service-token': token },
  })
  const id = (body as { id?: unknown }).id
  return status === 200 && typeof id === 'string' ? { id, content, atMs: options.nowMs() } : null
}

function pauseUntil(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
