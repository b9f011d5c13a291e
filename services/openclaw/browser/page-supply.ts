import type { BrowserContext, Request, Route } from 'playwright-core'
import { type FetchedPage, fetchPage } from './fetch-page.ts'
import { parsePageUrl } from './page-url.ts'
import type { AddressRules } from './pinned-address.ts'

export interface PageSupply {
  readonly page: FetchedPage
  readonly rules: AddressRules
  readonly signal: AbortSignal
}

const REQUESTS_MAX = 64
const RESOURCE_BYTES_MAX = 2 * 1024 * 1024
const TOTAL_BYTES_MAX = 8 * 1024 * 1024

const PASSED_HEADERS = [
  'content-type',
  'content-security-policy',
  'access-control-allow-origin',
  'cache-control',
]

/**
 * Everything the browser asks for comes through here, as it has no network: the page that was fetched already, and
 * its resources by the same rules of addresses. What breaks a rule, or asks for too much, is aborted.
 */
export async function supplyPage(context: BrowserContext, supply: PageSupply): Promise<void> {
  const rules = rulesForResources(supply)
  const served = { page: false, requests: 0, bytes: 0 }
  await context.route('**/*', async (route) => {
    try {
      await answerRoute(route, { supply, rules, served })
    } catch {
      // The page, or the window that asked, is gone. Thrown on, it would end this service.
      await route.abort().catch(() => undefined)
    }
  })
}

interface Answering {
  readonly supply: PageSupply
  readonly rules: AddressRules
  readonly served: { page: boolean; requests: number; bytes: number }
}

async function answerRoute(route: Route, { supply, rules, served }: Answering): Promise<void> {
  const request = route.request()
  if (!served.page && request.isNavigationRequest()) {
    served.page = true
    await fulfil(route, supply.page)
    return
  }
  served.requests++
  // The page stays the page: it may load things, but not go elsewhere, and not send anything.
  const isGoing = request.isNavigationRequest() && !isInFrame(request)
  const isTooMuch = served.requests > REQUESTS_MAX || served.bytes > TOTAL_BYTES_MAX
  if (isGoing || isTooMuch || request.method() !== 'GET') {
    await route.abort('blockedbyclient')
    return
  }
  const resource = await fetchResource(request.url(), rules, supply.signal)
  served.bytes += resource?.body.length ?? 0
  await (resource === null ? route.abort('blockedbyclient') : fulfil(route, resource))
}

/** A window that is only being opened has no frame yet, and asking for it throws. */
function isInFrame(request: Request): boolean {
  try {
    return request.frame().parentFrame() !== null
  } catch {
    return false
  }
}

/** An exact origin that is allowed in spite of its address is allowed for its own pages, not for everybody's. */
function rulesForResources({ page, rules }: PageSupply): AddressRules {
  const { origin } = page.url
  const isOwn = rules.allowedOrigins.has(origin)
  return { ...rules, allowedOrigins: new Set(isOwn ? [origin] : []) }
}

async function fetchResource(
  url: string,
  rules: AddressRules,
  signal: AbortSignal,
): Promise<FetchedPage | null> {
  try {
    const start = parsePageUrl(url)
    const fetched = await fetchPage({ rules, signal, bytesMax: RESOURCE_BYTES_MAX, accept: '*/*' }, start)
    // The browser would take the answer for the first origin's.
    return fetched.url.origin === start.origin ? fetched : null
  } catch {
    return null
  }
}

async function fulfil(route: Route, page: FetchedPage): Promise<void> {
  const headers: Record<string, string> = {}
  for (const name of PASSED_HEADERS) {
    const value = page.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  await route.fulfill({ status: page.status, headers, body: page.body })
}
