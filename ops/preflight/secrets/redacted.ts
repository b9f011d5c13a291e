const SHOWN_CHARACTERS = 3

/** Enough to find the value, not enough to use it. */
export function redacted(value: string): string {
  const head = value.length > SHOWN_CHARACTERS * 4 ? value.slice(0, SHOWN_CHARACTERS) : ''
  return `${head}*** (${value.length} characters)`
}
