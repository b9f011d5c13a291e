import { createHash, timingSafeEqual } from 'node:crypto'

export interface ApiKey {
  readonly name: string
  /** SHA-256 of the key in lower-case hexadecimal; the key itself is kept nowhere. */
  readonly sha256: string
}

/** The name of the key presented, or undefined. Compares with every key in constant time, whichever matches. */
export function findApiKey(presented: string, keys: readonly ApiKey[]): string | undefined {
  const digest = sha256(presented)
  let found: string | undefined
  for (const key of keys) {
    if (timingSafeEqual(digest, Buffer.from(key.sha256, 'hex'))) found = key.name
  }
  return found
}

/** Compares a presented secret with the digest of the true one. */
export function matchesDigest(presented: string, digest: Buffer): boolean {
  return timingSafeEqual(sha256(presented), digest)
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
