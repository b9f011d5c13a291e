import { randomBytes } from 'node:crypto'

export const CORRELATION_HEADER = 'x-correlation-id'

const ACCEPTED = /^[A-Za-z0-9_-]{8,64}$/
const POOL_BYTES = 4096
const ID_BYTES = 16

/** Takes a caller's id only where it cannot forge anything; repeated headers arrive joined by ", " and fail too. */
export function acceptedCorrelationId(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && ACCEPTED.test(header) ? header : undefined
}

/** Makes `req_` + 22 characters of base64url (128 random bits); random bytes are drawn in blocks, which is cheaper. */
export function createCorrelationIds(random: (size: number) => Buffer = randomBytes): () => string {
  let pool = random(POOL_BYTES)
  let offset = 0
  return () => {
    if (offset + ID_BYTES > pool.length) {
      pool = random(POOL_BYTES)
      offset = 0
    }
    const id = pool.toString('base64url', offset, offset + ID_BYTES)
    offset += ID_BYTES
    return `req_${id}`
  }
}
