import { hash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CallerName } from '#catalog'

const SECRET_CHARACTERS_MIN = 32

/** Whether the presented secret is the one that this run's supervisor left for the service. Constant time. */
export function holdsBootstrapSecret(folder: string, holder: CallerName, presented: string): boolean {
  const expected = readSecret(join(folder, holder))
  const isEqual = timingSafeEqual(
    hash('sha256', presented, 'buffer'),
    hash('sha256', expected ?? '', 'buffer'),
  )
  return isEqual && expected !== undefined
}

/** Read at each use: the supervisor writes new ones for each run. */
function readSecret(path: string): string | undefined {
  try {
    const secret = readFileSync(path, 'utf8').trim()
    return secret.length < SECRET_CHARACTERS_MIN ? undefined : secret
  } catch {
    return undefined
  }
}
