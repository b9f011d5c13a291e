import type { Readable } from 'node:stream'
import { Pool } from 'undici'
import { guardedLookup, type Lookup, namesLoopback, type ResolveAll } from '../address-rules.ts'
import { CallerGone, faultOfStatus, UpstreamFault } from '../upstream-fault.ts'

/** A pool of connections to one configured endpoint. Redirects are not followed, addresses are checked on connect. */
export interface Upstream {
  /** Resolves with an answer of status 200; every other status is thrown as the fault it stands for. */
  post(request: { path: string; body: unknown; signal: AbortSignal }): Promise<UpstreamResponse>
  close(): Promise<void>
}

interface UpstreamResponse {
  readonly body: Readable
}

export interface UpstreamOptions {
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
  readonly connectMs: number
  readonly connections: number
  readonly nowMs: () => number
  /** Names to addresses; the system's resolver when absent. What it says is checked either way. */
  readonly resolve?: ResolveAll
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const url = new URL(options.baseUrl)
  const basePath = url.pathname.replace(/\/$/, '')
  const pool = new Pool(url.origin, {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    // Every wait has its own timer in Watch; undici's own would hide which one it was.
    headersTimeout: 0,
    bodyTimeout: 0,
    // undici sets TCP_NODELAY on each socket itself.
    connect: { timeout: options.connectMs, lookup: lookupFor(url, options) },
  })
  return {
    async post({ path, body, signal }) {
      const response = await pool
        .request({
          method: 'POST',
          path: `${basePath}${path}`,
          headers: { 'content-type': 'application/json', ...options.headers },
          body: JSON.stringify(body),
          signal,
        })
        .catch((error: unknown) => {
          throw faultOfNetwork(error, 'refused')
        })
      if (response.statusCode === 200) return { body: response.body }
      response.body.on('error', () => undefined).destroy()
      const retryAfter = [response.headers['retry-after'] ?? []].flat()[0]
      throw faultOfStatus(response.statusCode, retryAfter, options.nowMs())
    },
    close: () => pool.destroy(),
  }
}

function lookupFor(url: URL, { resolve }: UpstreamOptions): Lookup {
  return guardedLookup({ allowLoopback: namesLoopback(url), ...(resolve === undefined ? {} : { resolve }) })
}

/** Translates errors of the connection; `otherwise` says what an unnamed break means at this point. */
export function faultOfNetwork(error: unknown, otherwise: 'refused' | 'cut'): Error {
  if (error instanceof UpstreamFault || error instanceof CallerGone) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const kind = code === 'UND_ERR_CONNECT_TIMEOUT' ? 'connect_timeout' : otherwise
  return new UpstreamFault(kind, `connection failed (${typeof code === 'string' ? code : 'no code'})`, {
    cause: error,
  })
}
