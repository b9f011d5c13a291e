/**
 * A value of our own as `--json` prints it: names in snake_case and null for what is not known, at every depth. Not for
 * maps whose keys are data.
 */
export function wireNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wireNames)
  if (typeof value !== 'object' || value === null) return value ?? null
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snakeCase(key), wireNames(inner)]))
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
