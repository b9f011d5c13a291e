import { Pool } from 'undici'
import type { SpanSender } from './span-queue.ts'

const PATH = '/v1/traces'
const HEADERS = { 'content-type': 'application/json' }

/** Posts spans to the Collector over one connection. What it does not take within the time is not sent again. */
export function createSpanSender(endpoint: string, timeoutMs: number): SpanSender {
  const pool = new Pool(endpoint, {
    connections: 1,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  return {
    send: async (body) => {
      try {
        const signal = AbortSignal.timeout(timeoutMs)
        const answer = await pool.request({ method: 'POST', path: PATH, headers: HEADERS, body, signal })
        await answer.body.dump()
        return answer.statusCode >= 200 && answer.statusCode < 300
      } catch {
        return false
      }
    },
    close: () => pool.destroy(),
  }
}
