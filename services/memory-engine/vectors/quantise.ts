/** A vector in the two forms that are kept: signs to find candidates by, 8-bit components to order them by. */
export interface Quantised {
  /** One bit a component, set where it is above zero; padded to whole 32-bit words. */
  readonly signature: Uint8Array
  /** Int8 scaled to the largest component; cosine needs no scale. */
  readonly components: Uint8Array
}

const INT8_MAX = 127
const BITS_PER_WORD = 32

export function quantise(values: ArrayLike<number>): Quantised {
  const largest = largestMagnitude(values)
  const signature = new Uint8Array(4 * Math.ceil(values.length / BITS_PER_WORD))
  const components = new Int8Array(values.length)
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0
    if (value > 0) signature[at >> 3] = (signature[at >> 3] ?? 0) | (1 << (at & 7))
    components[at] = largest === 0 ? 0 : Math.round((value / largest) * INT8_MAX)
  }
  return { signature, components: new Uint8Array(components.buffer) }
}

function largestMagnitude(values: ArrayLike<number>): number {
  let largest = 0
  for (let at = 0; at < values.length; at++) largest = Math.max(largest, Math.abs(values[at] ?? 0))
  return largest
}

/** Cosine of two vectors of 8-bit components; 0 when one of them is zero or their lengths differ. */
export function cosine(left: Int8Array, right: Int8Array): number {
  if (left.length !== right.length) return 0
  let [dot, leftSquares, rightSquares] = [0, 0, 0]
  for (let at = 0; at < left.length; at++) {
    const [a, b] = [left[at] ?? 0, right[at] ?? 0]
    dot += a * b
    leftSquares += a * a
    rightSquares += b * b
  }
  return leftSquares === 0 || rightSquares === 0 ? 0 : dot / Math.sqrt(leftSquares * rightSquares)
}

export function asInt8(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The words of a signature, whatever the alignment of its bytes. */
export function signatureWords(signature: Uint8Array): Uint32Array {
  return new Uint32Array(signature.slice().buffer)
}

/** Number of bits set, by adding neighbouring fields of growing width. */
export function countBits(word: number): number {
  let count = word - ((word >>> 1) & 0x5555_5555)
  count = (count & 0x3333_3333) + ((count >>> 2) & 0x3333_3333)
  return Math.imul((count + (count >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
