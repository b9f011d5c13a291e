import { randomBytes } from 'node:crypto'

export const CORRELATION_HEADER = 'x-correlation-id'

const ACCEPTED = /^[A-Za-z0-9_-]{8,64}$/
const POOL_BYTES = 3072
/** Of base64url: 132 random bits. */
const ID_CHARS = 22

/** Takes a caller's id only where it cannot forge anything; repeated headers arrive joined by ", " and fail too. */
export function acceptedCorrelationId(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && ACCEPTED.test(header) ? header : undefined
}

/** Makes `req_` + 22 characters of base64url; random bytes are drawn and written out in blocks, which is cheaper. */
export function createCorrelationIds(random: (size: number) => Buffer = randomBytes): () => string {
  let pool = ''
  let offset = 0
  return () => {
    if (offset + ID_CHARS > pool.length) {
      pool = random(POOL_BYTES).toString('base64url')
      offset = 0
    }
    offset += ID_CHARS
    return `req_${pool.slice(offset - ID_CHARS, offset)}`
  }
}
