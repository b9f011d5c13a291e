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
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g
  let lastString: string | undefined
  for (const [found] of text.matchAll(token)) {
    const keys = open.at(-1)
    if (found === '{') open.push(new Set())
    else if (found === '[') open.push(undefined)
    else if (found === '}' || found === ']') open.pop()
    else if (found !== ':') lastString = found
    else if (keys !== undefined && lastString !== undefined) {
      // Escapes are another way of writing the same key.
      const key = JSON.parse(lastString) as string
      if (keys.has(key)) return key
      keys.add(key)
    }
  }
  return undefined
}
