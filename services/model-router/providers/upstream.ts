import type { Readable } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import { guardedLookup, type Lookup, namesLoopback, type ResolveAll } from '../address-rules.ts'
import { faultOfStatus } from '../upstream-fault.ts'
import { faultOfNetwork } from './network-fault.ts'
import type { Watch } from './watch.ts'
import { requestWhole } from './whole-answer.ts'

/** A pool of connections to one configured endpoint. Redirects are not followed, addresses are checked on connect. */
export interface Upstream {
  /** Resolves with an answer of status 200 that goes on; every other status is thrown as the fault it stands for. */
  stream(request: UpstreamRequest): Promise<UpstreamResponse>
  /** The same to the end of the answer. */
  whole(request: UpstreamRequest): Promise<Buffer>
  close(): Promise<void>
}

interface UpstreamRequest {
  readonly path: string
  readonly body: unknown
  readonly watch: Watch
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
  const headers = { 'content-type': 'application/json', ...options.headers }
  const sent = ({ path, body }: UpstreamRequest) => ({
    method: 'POST' as const,
    path: `${basePath}${path}`,
    headers,
    body: JSON.stringify(body),
  })
  const faultOf = (status: number, answered: Dispatcher.ResponseData['headers']) =>
    faultOfStatus(status, [answered['retry-after'] ?? []].flat()[0], options.nowMs())
  return {
    async stream(request) {
      const response = await pool
        .request({ ...sent(request), signal: request.watch.signal })
        .catch((error: unknown) => {
          throw faultOfNetwork(error, 'refused')
        })
      if (response.statusCode === 200) return { body: response.body }
      response.body.on('error', () => undefined).destroy()
      throw faultOf(response.statusCode, response.headers)
    },
    whole: (request) => requestWhole(pool, { options: sent(request), watch: request.watch, faultOf }),
    close: () => pool.destroy(),
  }
}

function lookupFor(url: URL, { resolve }: UpstreamOptions): Lookup {
  return guardedLookup({ allowLoopback: namesLoopback(url), ...(resolve === undefined ? {} : { resolve }) })
}
