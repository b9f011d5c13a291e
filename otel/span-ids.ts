import { randomBytes } from 'node:crypto'

const POOL_BYTES = 4_096
const TRACE_CHARS = 32
const SPAN_CHARS = 16

export interface SpanIds {
  trace(): string
  span(): string
}

/** Random ids in hex. Bytes are drawn and written out in blocks: one by one, ids cost more than the rest of a span. */
export function createSpanIds(random: (size: number) => Buffer = randomBytes): SpanIds {
  let pool = ''
  let offset = 0
  const take = (chars: number): string => {
    if (offset + chars > pool.length) {
      pool = random(POOL_BYTES).toString('hex')
      offset = 0
    }
    offset += chars
    const id = pool.slice(offset - chars, offset)
    // All zeros means "no id".
    return /[^0]/.test(id) ? id : take(chars)
  }
  return { trace: () => take(TRACE_CHARS), span: () => take(SPAN_CHARS) }
}
