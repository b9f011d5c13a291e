import { isIP } from 'node:net'
import { ServiceError } from '#chassis/errors.ts'
import { refusal } from '../refusal.ts'
import { isPublicAddress } from './address.ts'

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

/** All addresses of a name. Rejects where there are none. */
export type ResolveName = (host: string) => Promise<readonly ResolvedAddress[]>

export interface AddressRules {
  /** Exact origins (`http://127.0.0.1:8080`) that may be opened although their address is not public. */
  readonly allowedOrigins: ReadonlySet<string>
  readonly resolve: ResolveName
  /** Whether an address is this machine's or of its networks, however public it looks. */
  readonly isOwn: (address: string) => boolean
}

const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|localdomain|home\.arpa)\.?$/i

/**
 * The one address to connect to for a URL. Resolved once, here; the connection uses this answer and asks nobody
 * again, so that a name cannot point elsewhere a moment later.
 */
export async function pinAddress(rules: AddressRules, url: URL): Promise<ResolvedAddress> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isAllowed = rules.allowedOrigins.has(url.origin)
  if (!isAllowed && LOCAL_NAME.test(host)) throw addressRefused()
  const addresses = isIP(host) > 0 ? [{ address: host, family: isIP(host) }] : await resolveName(rules, host)
  // One private address among public ones is reason enough: which one gets used is the attacker's choice.
  const isSafe =
    isAllowed || addresses.every(({ address }) => isPublicAddress(address) && !rules.isOwn(address))
  const [first] = addresses
  if (first === undefined) throw notResolved()
  if (!isSafe) throw addressRefused()
  return first
}

async function resolveName(rules: AddressRules, host: string): Promise<readonly ResolvedAddress[]> {
  try {
    return await rules.resolve(host)
  } catch (cause) {
    throw notResolved(cause)
  }
}

function notResolved(cause?: unknown): ServiceError {
  return new ServiceError('NOT_FOUND', 'The name does not resolve.', { cause })
}

function addressRefused(): ServiceError {
  return refusal('ADDRESS_REFUSED', 'This address may not be opened.')
}
