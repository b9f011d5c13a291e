import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceName } from '#catalog'
import { matchesDigest, sha256 } from './api-keys.ts'

/**
 * Decides about a presented operator key. eva-os knows the SHA-256 of the true one; every other service holds nothing,
 * lets the header pass, and leaves the decision to eva-os.
 */
export function createOperatorCheck(name: ServiceName, configFolder: string): (presented: string) => boolean {
  if (name !== 'eva-os') return () => true
  let digest: Buffer | undefined
  return (presented) => {
    digest ??= digestOfKey(join(configFolder, 'operator.key'))
    return digest !== undefined && matchesDigest(presented, digest)
  }
}

/** Fails closed: no key, no operator. */
function digestOfKey(path: string): Buffer | undefined {
  try {
    return sha256(readFileSync(path, 'utf8').trim())
  } catch {
    return undefined
  }
}
