import { countBits } from './quantise.ts'
import { signScore, signTable } from './sign-table.ts'

/** Signatures one after the other, `width` words of 32 bits each. */
export interface Signatures {
  readonly words: Uint32Array<ArrayBuffer>
  readonly width: number
  readonly count: number
}

/** By the signs of both sides so many are taken, and of these the best by the query's own components. */
const COARSE_MIN = 3000
/** The more there are, the more of them lie between the query and its neighbours by chance. */
const COARSE_SHARE = 33

/** Places of about the `wanted` signatures nearest to the query, best first. */
export function nearestSignatures(
  signatures: Signatures,
  query: { readonly values: ArrayLike<number>; readonly signature: Uint32Array },
  wanted: number,
): number[] {
  const { words, width, count } = signatures
  const bytes = new Uint8Array(words.buffer)
  const table = signTable(query.values, 4 * width)
  const coarse = withinDistance(signatures, query.signature, Math.max(COARSE_MIN, count / COARSE_SHARE))
  const scored = coarse.map((entry) => [entry, signScore(table, bytes, 4 * width * entry)] as const)
  return scored
    .toSorted((left, right) => right[1] - left[1])
    .slice(0, wanted)
    .map(([entry]) => entry)
}

/** All up to the smallest distance within which there are at least `wanted`. Counting beats any heap here. */
function withinDistance({ words, width, count }: Signatures, query: Uint32Array, wanted: number): number[] {
  const distances = new Uint16Array(count)
  const atDistance = new Uint32Array(32 * width + 1)
  for (let entry = 0, at = 0; entry < count; entry++) {
    let distance = 0
    for (let word = 0; word < width; word++, at++)
      distance += countBits((words[at] ?? 0) ^ (query[word] ?? 0))
    distances[entry] = distance
    atDistance[distance] = (atDistance[distance] ?? 0) + 1
  }
  let limit = 0
  for (let within = 0; limit < atDistance.length; limit++) {
    within += atDistance[limit] ?? 0
    if (within >= wanted) break
  }
  const entries: number[] = []
  for (let entry = 0; entry < count; entry++) if ((distances[entry] ?? 0) <= limit) entries.push(entry)
  return entries
}
