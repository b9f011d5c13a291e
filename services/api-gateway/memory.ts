import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import type { GatewayConfig } from './config.ts'
import { elapsedMs } from './elapsed.ts'
import type { Turnstile } from './turnstile.ts'

export interface Recalled {
  readonly id: string
  readonly content: string
  readonly score: number
}

export interface MemoryStep {
  readonly status: 'ok' | 'skipped' | 'failed'
  readonly duration_ms: number
}

export interface Exchange {
  readonly question: string
  readonly answer: string
  readonly sessionId: string | undefined
  /** The answer only quotes what was recalled; recalling it again would quote the quotes. */
  readonly isStandIn: boolean
}

export interface MemoryNeeds {
  readonly neighbours: Neighbours
  readonly config: GatewayConfig
  readonly clock: Clock
  readonly turnstile: Turnstile
}

interface SearchAnswer {
  readonly results: readonly (Recalled & { readonly metadata: Readonly<Record<string, unknown>> | null })[]
}

/** More are asked for than are used, because answers of the stand-in are dropped from them. */
const OVERSAMPLING = 3

/**
 * The gateway's side of memory-engine. A memory that fails degrades an answer, it never prevents one; an answer whose
 * turn does not come is refused before anything was done for it.
 */
export function createMemory({ neighbours, config, clock, turnstile }: MemoryNeeds) {
  return {
    /** Recall reaches across conversations: what was said in another session is what memory is for. */
    async recall(query: string, call: CallContext) {
      if (config.recall_limit === 0) return { step: SKIPPED, passages: [] }
      const body = { query, limit: config.recall_limit * OVERSAMPLING, evidence_only: true }
      const leave = await turnstile.enter(call)
      const { step, value } = await attempt(clock, () =>
        neighbours.call<SearchAnswer>(
          'memory-engine',
          { method: 'POST', path: '/search', body, timeoutMs: config.recall_timeout_ms, idempotent: true },
          call,
        ),
      ).finally(leave)
      return { step, passages: value === undefined ? [] : usable(value.body, config.recall_limit) }
    },

    async remember(exchange: Exchange, call: CallContext): Promise<{ step: MemoryStep; written: boolean }> {
      const { question, answer, sessionId, isStandIn } = exchange
      const store = (type: string, content: string, metadata: object) =>
        neighbours.call(
          'memory-engine',
          {
            method: 'POST',
            path: '/store',
            body: { type, content, metadata, ...(sessionId === undefined ? {} : { session_id: sessionId }) },
            timeoutMs: config.remember_timeout_ms,
          },
          call,
        )
      const leave = turnstile.pass()
      const { step } = await attempt(clock, async () => {
        await store('user_turn', question, { role: 'user' })
        if (answer !== '') await store('assistant_turn', answer, { role: 'assistant', stand_in: isStandIn })
      }).finally(leave)
      return { step, written: step.status === 'ok' }
    },
  }
}

/** What a failed step means for the caller, or null. */
export function degradedMemory({ status }: MemoryStep): string | null {
  return status === 'failed' ? 'memory-engine did not answer' : null
}

export type Memory = ReturnType<typeof createMemory>

const SKIPPED: MemoryStep = { status: 'skipped', duration_ms: 0 }

function usable({ results }: SearchAnswer, limit: number): readonly Recalled[] {
  return results
    .filter(({ metadata }) => metadata?.['stand_in'] !== true)
    .slice(0, limit)
    .map(({ id, content, score }) => ({ id, content, score }))
}

/** Only what memory-engine answered or failed to answer is swallowed; a client that left ends the work. */
async function attempt<T>(clock: Clock, work: () => Promise<T>): Promise<{ step: MemoryStep; value?: T }> {
  const startedAtMs = clock.monotonicMs()
  const step = (status: 'ok' | 'failed'): MemoryStep => ({
    status,
    duration_ms: elapsedMs(clock, startedAtMs),
  })
  try {
    const value = await work()
    return { step: step('ok'), value }
  } catch (error) {
    if (error instanceof ServiceError) return { step: step('failed') }
    throw error
  }
}
