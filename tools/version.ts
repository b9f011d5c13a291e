/** First `major.minor[.patch]` in a program's version text, or null. */
export function versionIn(text: string): string | null {
  return /(?:^|[^\d.])v?(\d+\.\d+(?:\.\d+)?)/m.exec(text)?.[1] ?? null
}

/** Negative, zero or positive as `left` is older than, equal to or newer than `right`; missing parts are 0. */
export function compareVersions(left: string, right: string): number {
  const leftParts = left.split('.').map(Number)
  const rightParts = right.split('.').map(Number)
  for (let index = 0; index < 3; index += 1) {
    const difference = (leftParts[index] ?? 0) - (rightParts[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
