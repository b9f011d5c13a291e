const BITS_PER_BYTE = 8
const BYTE_VALUES = 256

/** For each byte of a signature and each value it can have: the sum of the query's components with those signs. */
export type SignTable = Float64Array

/** Signs alone of both sides order coarsely; the query keeps its own components here, which orders far better. */
export function signTable(query: ArrayLike<number>, bytes: number): SignTable {
  const table = new Float64Array(bytes * BYTE_VALUES)
  for (let place = 0; place < bytes; place++) {
    for (let value = 0; value < BYTE_VALUES; value++) {
      let sum = 0
      for (let bit = 0; bit < BITS_PER_BYTE; bit++) {
        const component = query[place * BITS_PER_BYTE + bit] ?? 0
        sum += (value >> bit) & 1 ? component : -component
      }
      table[place * BYTE_VALUES + value] = sum
    }
  }
  return table
}

/** How well the signs from `from` on agree with the query. */
export function signScore(table: SignTable, signatures: Uint8Array, from: number): number {
  let sum = 0
  for (let at = 0, place = from; at < table.length; at += BYTE_VALUES, place++) {
    sum += table[at + (signatures[place] ?? 0)] ?? 0
  }
  return sum
}
