import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { ServiceError } from '#chassis/errors.ts'
import { refusal } from '../refusal.ts'
import { parsePageUrl } from './page-url.ts'
import { type AddressRules, type ResolvedAddress, pinAddress } from './pinned-address.ts'

export const REDIRECTS_MAX = 5
export const PAGE_BYTES_MAX = 4 * 1024 * 1024
const HEADER_BYTES_MAX = 32 * 1024
const USER_AGENT = 'sonia-openclaw'

export interface FetchedPage {
  readonly url: URL
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  readonly redirects: number
}

export interface FetchSettings {
  readonly rules: AddressRules
  readonly signal: AbortSignal
  readonly bytesMax: number
  readonly accept: string
  /** Asked before a redirect is followed to another origin than those before; throws where policy does not allow it. */
  readonly permit?: (url: URL) => Promise<void>
}

/** GET with every address checked and pinned, on every redirect anew. No cookies, no credentials, no proxy. */
export async function fetchPage(settings: FetchSettings, start: URL): Promise<FetchedPage> {
  let url = start
  const permitted = new Set([start.origin])
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const address = await pinAddress(settings.rules, url)
    if (!permitted.has(url.origin)) await settings.permit?.(url)
    permitted.add(url.origin)
    const answer = await request(settings, url, address)
    const location = answer.headers.location
    if (!isRedirect(answer.status) || location === undefined) return { ...answer, url, redirects }
    url = parsePageUrl(resolveLocation(location, url))
  }
  throw new ServiceError('UNAVAILABLE', 'The page redirects too often.')
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

function resolveLocation(location: string, base: URL): string {
  const next = URL.parse(location, base.href)
  if (next === null) throw refusal('ADDRESS_REFUSED', 'The page redirects to something that is no URL.')
  return next.href
}

type Answer = Pick<FetchedPage, 'status' | 'headers' | 'body'>

function request(settings: FetchSettings, url: URL, pinned: ResolvedAddress): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const client = url.protocol === 'https:' ? https : http
  const outgoing = client.request(
    url,
    {
      method: 'GET',
      agent: false,
      signal: settings.signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      lookup: pinnedLookup(pinned),
      headers: { 'user-agent': USER_AGENT, accept: settings.accept, 'accept-encoding': 'identity' },
    },
    (incoming) => {
      readBody(incoming, settings.bytesMax).then(
        (body) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
        reject,
      )
    },
  )
  outgoing.on('error', reject)
  outgoing.end()
  return promise.catch((error: unknown) => {
    throw explain(error, settings.signal)
  })
}

/** Answers every question for a name with the address that was checked. */
function pinnedLookup({ address, family }: ResolvedAddress) {
  return (...[, options, done]: Parameters<LookupFunction>) => {
    if (options.all === true) done(null, [{ address, family }])
    else done(null, address, family)
  }
}

async function readBody(incoming: http.IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) {
      incoming.destroy()
      throw new ServiceError('TOO_LARGE', 'The page is too large.')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function explain(error: unknown, signal: AbortSignal): ServiceError {
  if (error instanceof ServiceError) return error
  if (signal.aborted) return new ServiceError('TIMEOUT', 'The page did not load in time.', { cause: error })
  return new ServiceError('UNAVAILABLE', 'The page could not be loaded.', { cause: error })
}
