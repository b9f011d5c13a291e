import { readFileSync } from 'node:fs'
import { decodeJwt, type JSONWebKeySet } from 'jose'
import type { ServiceName } from '#catalog'
import type { Clock } from './clock.ts'
import { ServiceError } from './errors.ts'

/** What eva-os hands its own chassis: the keys it signs with, and a token for each call it makes itself. */
export interface TokenIssuer {
  jwks(): JSONWebKeySet | Promise<JSONWebKeySet>
  issue(audience: ServiceName): Promise<{ readonly token: string }>
  /** False once the key was retired or thrown away: what it signed is refused here from then on. */
  holds(kid: string): boolean
}

/** Service tokens for calls onward. */
export interface TokenSource {
  /** A token that is good for the audience now; UNAVAILABLE when none can be had. */
  tokenFor(audience: ServiceName): Promise<string>
  /** The callee refused this token: the next call asks for another. */
  forget(audience: ServiceName): void
}

export interface TokenRequest {
  readonly audience: ServiceName
  readonly secret: string
}

interface Held {
  readonly token: string
  readonly refreshAtMs: number
  readonly expiresAtMs: number
}

const ATTEMPTS = 3
const PAUSE_MS = 150
const REFRESH_SHARE = 0.75
const MARGIN_MS = 2_000

/**
 * Tokens by the bootstrap secret of this run: asked for when first needed (so services start in any order), kept,
 * renewed in the background after three quarters of their life, and used to their end while eva-os is away.
 */
export function createTokenSource(parts: {
  readonly secretFile: string
  readonly clock: Clock
  readonly request: (request: TokenRequest) => Promise<{ readonly token: string }>
  readonly pause: (ms: number) => Promise<void>
}): TokenSource {
  const { clock } = parts
  const held = new Map<ServiceName, Held>()
  const pending = new Map<ServiceName, Promise<Held>>()

  const fetchToken = async (audience: ServiceName): Promise<Held> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { token } = await parts.request({ audience, secret: readSecret(parts.secretFile) })
        return heldUntil(token, clock.nowMs())
      } catch (cause) {
        if (attempt === ATTEMPTS)
          throw new ServiceError('UNAVAILABLE', 'No service token can be had', { cause })
      }
      await parts.pause(PAUSE_MS * attempt)
    }
  }
  const renew = (audience: ServiceName): Promise<Held> => {
    const running = pending.get(audience)
    if (running !== undefined) return running
    const started = fetchToken(audience)
      .then((fresh) => {
        held.set(audience, fresh)
        return fresh
      })
      .finally(() => pending.delete(audience))
    pending.set(audience, started)
    return started
  }
  return {
    async tokenFor(audience) {
      const current = held.get(audience)
      const nowMs = clock.nowMs()
      if (current === undefined || nowMs >= current.expiresAtMs - MARGIN_MS)
        return (await renew(audience)).token
      // A failed renewal is no failure of this call: the token at hand is still good.
      if (nowMs >= current.refreshAtMs) renew(audience).catch(() => undefined)
      return current.token
    },
    forget: (audience) => {
      held.delete(audience)
    },
  }
}

function heldUntil(token: string, nowMs: number): Held {
  const { exp } = decodeJwt(token)
  if (exp === undefined) throw new Error('The token has no expiry')
  const expiresAtMs = exp * 1000
  return { token, expiresAtMs, refreshAtMs: nowMs + (expiresAtMs - nowMs) * REFRESH_SHARE }
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new Error('The bootstrap secret of this run cannot be read', { cause })
  }
}
