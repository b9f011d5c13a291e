import type { JSONWebKeySet } from 'jose'
import type { KeyFiles, SigningKey } from './key-files.ts'
import { type KeyRoles, type KeyTimes, keyRoles } from './key-roles.ts'

/** The keys of service tokens, and who of them signs. */
export interface KeyRing {
  readonly jwks: () => JSONWebKeySet
  readonly signing: () => SigningKey | undefined
  readonly holds: (kid: string) => boolean
  /** Publishes a new key, which signs after the lead time. */
  rotate(): Promise<void>
  /** Throws every key away: whatever they signed is worthless from now on. The next tick makes a new one. */
  dropAll(): void
  /** Rotates and retires what is due. */
  tick(): Promise<void>
  describe(): readonly { readonly kid: string; readonly role: string; readonly created_at: string }[]
}

export interface KeyRingParts {
  readonly files: KeyFiles
  readonly times: KeyTimes
  readonly nowMs: () => number
  readonly onChange: (what: 'created' | 'retired' | 'dropped', kids: readonly string[]) => void
}

/** The keys as they lie on the disk. The first tick makes one where there is none. */
export async function openKeyRing(parts: KeyRingParts): Promise<KeyRing> {
  const { files, onChange } = parts
  let keys = [...(await files.read())]
  let working: Promise<void> = Promise.resolve()
  /** One change at a time, or two rotations could each retire the other's key. */
  const inTurn = (change: () => Promise<void>): Promise<void> => {
    const turn = working.then(change)
    working = turn.catch(() => undefined)
    return turn
  }
  const roles = (): KeyRoles<SigningKey> => keyRoles(keys, parts.nowMs(), parts.times)
  const create = async (nowMs: number) => {
    // Roles follow from age, so no two keys may have the same.
    const newestMs = Math.max(...keys.map(({ createdAtMs }) => createdAtMs))
    const key = await files.create(Math.max(nowMs, newestMs + 1))
    keys = [...keys, key]
    onChange('created', [key.kid])
  }
  /** Out of use, but still on the disk. */
  const doomed = new Set<string>()
  const removeDoomed = () => {
    for (const kid of doomed) {
      files.remove(kid)
      doomed.delete(kid)
    }
  }
  const drop = (dropped: readonly SigningKey[], what: 'retired' | 'dropped') => {
    if (dropped.length === 0) return
    const kids = dropped.map(({ kid }) => kid)
    // Out of use first: a disk that fails keeps no key alive, and is asked again at the next tick.
    keys = keys.filter((key) => !dropped.includes(key))
    for (const kid of kids) doomed.add(kid)
    onChange(what, kids)
    removeDoomed()
  }
  const tick = () =>
    inTurn(async () => {
      removeDoomed()
      if (roles().needsNew) await create(parts.nowMs())
      drop(roles().retired, 'retired')
    })
  return {
    jwks: () => ({ keys: keys.map(({ publicJwk }) => publicJwk) as JSONWebKeySet['keys'] }),
    signing: () => roles().signing,
    holds: (kid) => keys.some((key) => key.kid === kid),
    rotate: () => inTurn(() => create(parts.nowMs())),
    dropAll: () => drop(keys, 'dropped'),
    tick,
    describe() {
      const { signing, next } = roles()
      const roleOf = (key: SigningKey) => (key === signing ? 'signing' : key === next ? 'next' : 'retiring')
      return keys.map((key) => ({
        kid: key.kid,
        role: roleOf(key),
        created_at: new Date(key.createdAtMs).toISOString(),
      }))
    },
  }
}
