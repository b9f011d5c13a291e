import { type CryptoKey, importJWK, type JSONWebKeySet } from 'jose'
import type { Clock } from './clock.ts'
import { ServiceError } from './errors.ts'

/** Strangers who send unknown key ids, and a look for retired keys, cause at most one fetch in this time. */
const REFRESH_EVERY_MS = 5_000
/** What is older is not believed without a look: a service that was idle may have missed that keys were thrown away. */
const STALE_AFTER_MS = 30_000

/** The public keys of service tokens, as eva-os published them at the last look. */
export interface ServiceKeys {
  /** True where a check has to look first: it is `find` that looks. */
  isStale(): boolean
  /** Whether the key was still published at the last look; looks again in the background when that is due. */
  isPublished(kid: string): boolean
  /** The key, looked for where it is unknown; undefined where it is not published. UNAVAILABLE where none can be had. */
  find(kid: string): Promise<CryptoKey | undefined>
}

export interface ServiceKeysParts {
  readonly fetchKeys: () => Promise<JSONWebKeySet>
  readonly clock: Clock
  /** Whoever publishes the keys knows at once which are gone. */
  readonly isGone?: ((kid: string) => boolean) | undefined
}

/**
 * Keys that are retired or thrown away are refused within one look, and what they signed with them. Where eva-os is
 * away the keys at hand go on: the tokens that they signed die by themselves.
 */
export function createServiceKeys({ fetchKeys, clock, isGone = () => false }: ServiceKeysParts): ServiceKeys {
  let keys = new Map<string, CryptoKey>()
  let fetchedAtMs = Number.NEGATIVE_INFINITY
  let triedAtMs = Number.NEGATIVE_INFINITY
  let pending: Promise<void> | undefined
  const age = (ofMs: number) => clock.monotonicMs() - ofMs
  const isDue = () => age(triedAtMs) >= REFRESH_EVERY_MS
  const refresh = (): Promise<void> => {
    triedAtMs = clock.monotonicMs()
    pending ??= importKeys(fetchKeys)
      .then((imported) => {
        keys = imported
        fetchedAtMs = clock.monotonicMs()
      })
      .finally(() => {
        pending = undefined
      })
    return pending
  }
  const known = (kid: string) => (isGone(kid) ? undefined : keys.get(kid))
  const isStale = () => age(fetchedAtMs) >= STALE_AFTER_MS && (pending !== undefined || isDue())
  return {
    isStale,
    isPublished(kid) {
      if (age(fetchedAtMs) >= REFRESH_EVERY_MS && isDue()) refresh().catch(() => undefined)
      return known(kid) !== undefined
    },
    async find(kid) {
      if (known(kid) !== undefined && isStale()) await refresh().catch(() => undefined)
      if (known(kid) === undefined && age(fetchedAtMs) >= REFRESH_EVERY_MS) {
        await refresh().catch((cause: unknown) => {
          throw new ServiceError('UNAVAILABLE', 'Service tokens cannot be verified at the moment', { cause })
        })
      }
      return known(kid)
    },
  }
}

async function importKeys(fetchKeys: () => Promise<JSONWebKeySet>): Promise<Map<string, CryptoKey>> {
  const { keys } = await fetchKeys()
  const imported = new Map<string, CryptoKey>()
  for (const jwk of keys) {
    if (jwk.kid !== undefined) imported.set(jwk.kid, (await importJWK(jwk, 'EdDSA')) as CryptoKey)
  }
  return imported
}
