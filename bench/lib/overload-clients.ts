import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import type { BenchStack } from './bench-stack.ts'
import { chatMessage } from './stack-load.ts'
import { wholeSession } from './voice-client.ts'

/** What became of a request: only a whole answer in time is worth something to who asked. */
export type Outcome = 'good' | 'degraded' | 'refused' | 'late' | 'failed'

/** People who chat, a probe of health, and people who talk, at one stack. */
export interface Clients {
  readonly chat: () => Promise<Outcome>
  readonly health: () => Promise<Outcome>
  readonly voice: () => Promise<Outcome>
  /** Until single chats are answered quickly again; rejects where they never are. */
  readonly settle: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Who has not been answered by then has gone. */
export const GOOD_WITHIN_MS = 2000
const QUICK_MS = 250
const QUICK_IN_A_ROW = 3
const SETTLE_MS_MAX = 60_000

export function clientsOf({ gatewayUrl, voiceUrl }: BenchStack): Clients {
  // As many connections as there are people: each that waits has one of its own.
  const pool = new Pool(gatewayUrl, { connections: null, pipelining: 1 })
  let number = 0
  const chat = () =>
    ask(pool, {
      method: 'POST',
      path: '/v1/chat',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(chatMessage(number++)),
    })
  return {
    chat,
    health: () => ask(pool, { method: 'GET', path: '/healthz' }),
    voice: () =>
      wholeSession(voiceUrl).then(
        () => 'good' as const,
        () => 'failed' as const,
      ),
    settle: () => settle(chat),
    close: () => pool.destroy(),
  }
}

interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

async function ask(pool: Pool, question: Question): Promise<Outcome> {
  try {
    const signal = AbortSignal.timeout(GOOD_WITHIN_MS)
    const { statusCode, body } = await pool.request({ ...question, signal })
    return outcomeOf(statusCode, await body.text())
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? 'late' : 'failed'
  }
}

export function outcomeOf(status: number, text: string): Outcome {
  if (text.includes('"OVERLOADED"')) return 'refused'
  if (status !== 200) return 'failed'
  return text.includes('"DEGRADED"') ? 'degraded' : 'good'
}

async function settle(chat: () => Promise<Outcome>): Promise<void> {
  const untilMs = performance.now() + SETTLE_MS_MAX
  let quick = 0
  while (quick < QUICK_IN_A_ROW) {
    if (performance.now() > untilMs) throw new Error('the stack did not recover from the load')
    const startedMs = performance.now()
    const outcome = await chat()
    quick = outcome === 'good' && performance.now() - startedMs < QUICK_MS ? quick + 1 : 0
    if (quick === 0) await sleep(100)
  }
}
