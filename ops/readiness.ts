import { get } from 'node:http'
import { ownsPort } from './process/listening-ports.ts'

/** One probe may take this long; the next one follows anyway. */
const PROBE_TIMEOUT_MS = 1_000
const BODY_BYTES_MAX = 64 * 1_024

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

/** GET on the loopback; undefined when nobody answers in time. */
export function probe(
  port: number,
  path: string,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<HttpAnswer | undefined> {
  return new Promise((resolve) => {
    const request = get({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    })
    request.once('error', () => resolve(undefined))
    request.once('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > BODY_BYTES_MAX) request.destroy()
      })
      response.once('error', () => resolve(undefined))
      response.once('close', () => resolve(undefined))
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
  })
}

/** Ready: the port is listened on by that very process, and /readyz is 200 and names our run. */
export async function isServiceReady(target: { pid: number; port: number; runId: string }): Promise<boolean> {
  if (!ownsPort(target.pid, target.port)) return false
  const answer = await probe(target.port, '/readyz')
  return answer?.status === 200 && runIdOf(answer.body) === target.runId
}

function runIdOf(body: string): unknown {
  try {
    const parsed = JSON.parse(body) as { run_id?: unknown; data?: { run_id?: unknown } | null }
    return parsed.run_id ?? parsed.data?.run_id
  } catch {
    return undefined
  }
}
