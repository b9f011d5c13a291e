import type { IncomingHttpHeaders } from 'node:http'
import { AuthError } from './token-verifier.ts'

export interface BrowserRules {
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser on the same machine is no friend of a keyless port: its page may be anybody's. Host must be a loopback name
 * or a configured one (DNS rebinding), Origin likewise, and what changes state comes as JSON (no cross-site form can).
 */
export function refuseStrangePages(headers: IncomingHttpHeaders, method: string, rules: BrowserRules): void {
  const host = hostName(headers.host)
  if (host === undefined || !(LOOPBACK.test(host) || rules.allowedHosts.includes(host))) {
    throw new AuthError('FORBIDDEN', 'This Host is not one of ours', 'host')
  }
  const { origin } = headers
  if (origin === undefined) {
    if (headers['sec-fetch-site'] === 'cross-site' && !SAFE_METHODS.has(method)) {
      throw new AuthError('FORBIDDEN', 'Pages of other sites may not do this', 'origin')
    }
    return
  }
  if (!isAllowedOrigin(origin, rules))
    throw new AuthError('FORBIDDEN', 'This Origin is not one of ours', 'origin')
  if (!SAFE_METHODS.has(method) && !isJson(headers['content-type'])) {
    throw new AuthError('FORBIDDEN', 'A page must send application/json', 'origin')
  }
}

function hostName(host: string | undefined): string | undefined {
  return host === undefined
    ? undefined
    : /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase()
}

function isAllowedOrigin(origin: string, rules: BrowserRules): boolean {
  if (rules.allowedOrigins.includes(origin)) return true
  return URL.canParse(origin) && LOOPBACK.test(new URL(origin).hostname)
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType)
}
