import type { Readable } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import { requestWhole, type WholeReader } from '#chassis/whole-answer.ts'
import { guardedLookup, type Lookup, namesLoopback, type ResolveAll } from '../address-rules.ts'
import { CallerGone, faultOfStatus, UpstreamFault } from '../upstream-fault.ts'
import type { Watch } from './watch.ts'

/** A pool of connections to one configured endpoint. Redirects are not followed, addresses are checked on connect. */
export interface Upstream {
  /** Resolves with an answer of status 200 that goes on; every other status is thrown as the fault it stands for. */
  stream(request: UpstreamRequest): Promise<UpstreamResponse>
  /** The same to the end of the answer. */
  whole(request: UpstreamRequest): Promise<string>
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

const ANSWER_BYTES_MAX = 16 << 20

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
    async whole(request) {
      const { watch } = request
      let broken: 'refused' | 'cut' = 'refused'
      const onHead: WholeReader['onHead'] = (status, answered) => {
        if (status !== 200) return faultOf(status, answered)
        broken = 'cut'
        return undefined
      }
      const reader = {
        onAbort: watch.onAbort,
        bytesMax: ANSWER_BYTES_MAX,
        tooLarge: () => new UpstreamFault('malformed', 'answer is too large'),
        onHead,
        onPiece: watch.renew,
      }
      const answer = await requestWhole(pool, sent(request), reader).catch((error: unknown) => {
        throw faultOfNetwork(error, broken)
      })
      return answer.text
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
