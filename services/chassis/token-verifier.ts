import { hash } from 'node:crypto'
import {
  type CryptoKey,
  decodeProtectedHeader,
  errors,
  importJWK,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import { CATALOG, SERVICE_NAMES, type ServiceName } from '#catalog'
import type { Clock } from './clock.ts'
import { ServiceError } from './errors.ts'
import type { AUTH_FAILURE_REASONS } from './metric-registry.ts'

export type AuthFailure = (typeof AUTH_FAILURE_REASONS)[number]

export const TOKEN_ISSUER = 'eva-os'
const TOKEN_LIFETIME_S_MAX = 300

const ALGORITHMS = ['EdDSA', 'Ed25519']
const CACHE_ENTRIES_MAX = 1024
const REFRESH_EVERY_MS = 5_000

/** A refusal at the door; `reason` is counted, and told to the caller. */
export class AuthError extends ServiceError {
  readonly reason: AuthFailure
  /** The service token as such does not hold (as opposed to a person's credential). */
  get isTokenFailure(): boolean {
    return this.status === 401 && this.reason !== 'operator_key' && this.reason !== 'api_key'
  }

  constructor(code: 'UNAUTHORIZED' | 'FORBIDDEN', message: string, reason: AuthFailure, cause?: unknown) {
    super(code, message, { cause, details: { reason: reason.toUpperCase() } })
    this.reason = reason
  }
}

export interface TokenVerifier {
  /** The caller, where this very token was verified before and has not expired. Costs one digest. */
  recall(token: string): ServiceName | undefined
  /** Full verification; throws AuthError, or UNAVAILABLE when no keys can be had. */
  verify(token: string): Promise<ServiceName>
}

export function createTokenVerifier(parts: {
  readonly audience: ServiceName
  readonly clock: Clock
  readonly fetchKeys: () => Promise<JSONWebKeySet>
}): TokenVerifier {
  const { audience, clock } = parts
  const seen = new Map<string, { readonly caller: ServiceName; readonly untilMs: number }>()
  const keyFor = createKeyRing(parts.fetchKeys, clock)
  return {
    recall(token) {
      const digest = digestOf(token)
      const known = seen.get(digest)
      if (known === undefined) return undefined
      if (clock.monotonicMs() < known.untilMs) return known.caller
      seen.delete(digest)
      return undefined
    },
    async verify(token) {
      const payload = await verifySignature(token, keyFor, clock)
      const caller = callerOf(payload, audience)
      if (seen.size >= CACHE_ENTRIES_MAX) seen.delete(seen.keys().next().value ?? '')
      // By the clock that cannot be set back, or a remembered token would live that much longer.
      const leftMs = (payload.exp ?? 0) * 1000 - clock.nowMs()
      seen.set(digestOf(token), { caller, untilMs: clock.monotonicMs() + leftMs })
      return caller
    },
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64')
}

/** Keys by id; an unknown id causes one fetch, and at most one per five seconds, whatever strangers send. */
function createKeyRing(fetchKeys: () => Promise<JSONWebKeySet>, clock: Clock) {
  let keys = new Map<string, CryptoKey>()
  let fetchedAtMs = Number.NEGATIVE_INFINITY
  let pending: Promise<void> | undefined
  const refresh = async () => {
    const { keys: published } = await fetchKeys()
    const imported = new Map<string, CryptoKey>()
    for (const jwk of published) {
      if (jwk.kid !== undefined) imported.set(jwk.kid, (await importJWK(jwk, 'EdDSA')) as CryptoKey)
    }
    keys = imported
    fetchedAtMs = clock.monotonicMs()
  }
  return async (kid: string): Promise<CryptoKey> => {
    const known = keys.get(kid)
    if (known !== undefined) return known
    if (clock.monotonicMs() - fetchedAtMs >= REFRESH_EVERY_MS) {
      pending ??= refresh().finally(() => {
        pending = undefined
      })
      await pending.catch((cause: unknown) => {
        throw new ServiceError('UNAVAILABLE', 'Service tokens cannot be verified at the moment', { cause })
      })
    }
    const fetched = keys.get(kid)
    if (fetched === undefined)
      throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'unknown_key')
    return fetched
  }
}

async function verifySignature(
  token: string,
  keyFor: (kid: string) => Promise<CryptoKey>,
  clock: Clock,
): Promise<JWTPayload> {
  const key = await keyFor(keyIdOf(token))
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ALGORITHMS,
      currentDate: new Date(clock.nowMs()),
      requiredClaims: ['iss', 'sub', 'aud', 'iat', 'exp', 'jti'],
    })
    return payload
  } catch (cause) {
    const reason = cause instanceof errors.JWTExpired ? 'expired' : 'bad_signature'
    throw new AuthError('UNAUTHORIZED', 'The service token does not hold', reason, cause)
  }
}

function keyIdOf(token: string): string {
  try {
    const { kid, alg } = decodeProtectedHeader(token)
    if (kid !== undefined && alg !== undefined && ALGORITHMS.includes(alg)) return kid
  } catch {
    // Falls through to the one refusal: what exactly is malformed helps nobody but an attacker.
  }
  throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'malformed')
}

function callerOf(payload: JWTPayload, audience: ServiceName): ServiceName {
  if (payload.iss !== TOKEN_ISSUER)
    throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'wrong_issuer')
  if ((payload.exp ?? 0) - (payload.iat ?? 0) > TOKEN_LIFETIME_S_MAX) {
    throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'malformed')
  }
  if (payload.aud !== audience)
    throw new AuthError('FORBIDDEN', 'The service token is for another service', 'wrong_audience')
  const caller = SERVICE_NAMES.find((name) => name === payload.sub)
  if (caller === undefined || !CATALOG[caller].mayCall.includes(audience)) {
    throw new AuthError('FORBIDDEN', 'This caller may not call this service', 'caller_not_allowed')
  }
  return caller
}
