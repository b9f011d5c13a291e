/** Puts pieces of bytes together, whatever their size. */
export interface Gatherer {
  add(piece: Buffer): void
  bytes(): number
  /** All of it, and begins anew. */
  take(): Buffer
  copy(): Buffer
}

const PIECES_MAX = 512

/**
 * A piece costs a hundred bytes beside its own and keeps the whole block that it was cut from: single bytes, sent by
 * the million, would fill the memory long before their sum is too large. So many of them are copied into one block.
 */
export function createGatherer(): Gatherer {
  let blocks: Buffer[] = []
  let pieces: Buffer[] = []
  let bytes = 0
  const copy = () => Buffer.concat([...blocks, ...pieces], bytes)
  return {
    add(piece) {
      pieces.push(piece)
      bytes += piece.length
      if (pieces.length < PIECES_MAX) return
      blocks.push(Buffer.concat(pieces))
      pieces = []
    },
    bytes: () => bytes,
    take() {
      const whole = copy()
      blocks = []
      pieces = []
      bytes = 0
      return whole
    },
    copy,
  }
}
