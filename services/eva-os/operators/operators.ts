import { hash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The people who may decide, by the digests of their keys. */
export interface Operators {
  /** Name of the key's holder, or undefined where the key is nobody's. */
  readonly nameOf: (presented: string) => string | undefined
  readonly count: number
}

const DEFAULT_OPERATOR = 'operator'

const SECRET_CHARACTERS_MIN = 32

/** Only digests are kept. The key file is read once: replacing it takes a restart, which is what an operator expects. */
export function createOperators(
  keyFile: string,
  others: readonly { readonly name: string; readonly sha256: string }[],
): Operators {
  const own = digestOfFile(keyFile)
  const known = [
    ...(own === undefined ? [] : [{ name: DEFAULT_OPERATOR, digest: own }]),
    ...others.map(({ name, sha256 }) => ({ name, digest: Buffer.from(sha256, 'hex') })),
  ]
  return {
    count: known.length,
    nameOf(presented) {
      const digest = hash('sha256', presented, 'buffer')
      // All are compared, so that the time says nothing about which one came close.
      const holders = known.filter((one) => timingSafeEqual(one.digest, digest))
      return holders[0]?.name
    },
  }
}

function digestOfFile(path: string): Buffer | undefined {
  try {
    const key = readFileSync(path, 'utf8').trim()
    return key.length < SECRET_CHARACTERS_MIN ? undefined : hash('sha256', key, 'buffer')
  } catch {
    return undefined
  }
}
