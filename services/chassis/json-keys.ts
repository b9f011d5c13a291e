const DEPTH_MAX = 64

/** True where a value nests deeper than 64 levels; stops as soon as it knows. */
export function isTooDeep(value: unknown, left = DEPTH_MAX): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (left === 0) return true
  for (const entry of Object.values(value)) {
    if (isTooDeep(entry, left - 1)) return true
  }
  return false
}

/**
 * The first key that one object names twice, or undefined. JSON.parse keeps the last one silently; a policy and an
 * executor that kept different ones would judge one request and run another. The text must be valid JSON.
 */
export function findDuplicateKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  const token = /["{}[\]:]/g
  let lastString: string | undefined
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match
    const keys = open.at(-1)
    if (found === '"') {
      token.lastIndex = endOfString(text, match.index)
      lastString = text.slice(match.index, token.lastIndex)
    } else if (found === '{') open.push(new Set())
    else if (found === '[') open.push(undefined)
    else if (found === '}' || found === ']') open.pop()
    else if (keys !== undefined && lastString !== undefined) {
      // Escapes are another way of writing the same key.
      const key = JSON.parse(lastString) as string
      if (keys.has(key)) return key
      keys.add(key)
    }
  }
  return undefined
}

/** Behind the closing quote. Not by a pattern: those keep a place to go back to for each character of ten million. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  return text.length
}
