const CONTINUES = 0x80

/** SQLite's variable-length integer: 7 bits a byte, most significant first. Answers the value and where it ended. */
export function readVarint(bytes: Uint8Array, start: number): readonly [value: number, end: number] {
  let value = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    value = value * 128 + (byte & 0x7f)
    if (byte < CONTINUES) return [value, at + 1]
  }
  return [value, bytes.length]
}
