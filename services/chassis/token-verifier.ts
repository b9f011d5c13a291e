import { hash } from 'node:crypto'
import { type CryptoKey, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { CALLER_NAMES, type CallerName, mayCall, type ServiceName } from '#catalog'
import type { Clock } from './clock.ts'
import { ServiceError } from './errors.ts'
import type { AUTH_FAILURE_REASONS } from './metric-registry.ts'
import { createServiceKeys, type ServiceKeys, type ServiceKeysParts } from './service-keys.ts'

export type AuthFailure = (typeof AUTH_FAILURE_REASONS)[number]

export const TOKEN_ISSUER = 'eva-os'
const TOKEN_LIFETIME_S_MAX = 300

const ALGORITHMS = ['EdDSA', 'Ed25519']
const CACHE_ENTRIES_MAX = 1024

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
  /** The caller, where this very token was verified before and still holds. Costs one digest. */
  recall(token: string): CallerName | undefined
  /** Full verification; throws AuthError, or UNAVAILABLE when no keys can be had. */
  verify(token: string): Promise<CallerName>
}

interface SeenToken {
  readonly caller: CallerName
  readonly kid: string
  readonly untilMs: number
}

export function createTokenVerifier(
  parts: ServiceKeysParts & { readonly audience: ServiceName },
): TokenVerifier {
  const { audience, clock } = parts
  const seen = new Map<string, SeenToken>()
  const keys = createServiceKeys(parts)
  return {
    recall(token) {
      const digest = digestOf(token)
      const known = seen.get(digest)
      if (known === undefined || keys.isStale()) return undefined
      // A token is worth no more than its key: keys are thrown away for a reason.
      if (clock.monotonicMs() < known.untilMs && keys.isPublished(known.kid)) return known.caller
      seen.delete(digest)
      return undefined
    },
    async verify(token) {
      const kid = keyIdOf(token)
      const payload = await verifySignature(token, await publishedKey(keys, kid), clock)
      const caller = callerOf(payload, audience)
      if (seen.size >= CACHE_ENTRIES_MAX) seen.delete(seen.keys().next().value ?? '')
      // By the clock that cannot be set back, or a remembered token would live that much longer.
      const leftMs = (payload.exp ?? 0) * 1000 - clock.nowMs()
      seen.set(digestOf(token), { caller, kid, untilMs: clock.monotonicMs() + leftMs })
      return caller
    },
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64')
}

async function publishedKey(keys: ServiceKeys, kid: string): Promise<CryptoKey> {
  const key = await keys.find(kid)
  if (key === undefined) throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'unknown_key')
  return key
}

async function verifySignature(token: string, key: CryptoKey, clock: Clock): Promise<JWTPayload> {
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

function callerOf(payload: JWTPayload, audience: ServiceName): CallerName {
  if (payload.iss !== TOKEN_ISSUER)
    throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'wrong_issuer')
  if ((payload.exp ?? 0) - (payload.iat ?? 0) > TOKEN_LIFETIME_S_MAX) {
    throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'malformed')
  }
  if (payload.aud !== audience)
    throw new AuthError('FORBIDDEN', 'The service token is for another service', 'wrong_audience')
  const caller = CALLER_NAMES.find((name) => name === payload.sub)
  if (caller === undefined || !mayCall(caller, audience)) {
    throw new AuthError('FORBIDDEN', 'This caller may not call this service', 'caller_not_allowed')
  }
  return caller
}
