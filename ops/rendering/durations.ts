/** A Prometheus duration from seconds, in the largest unit that stays whole. */
export function promDuration(seconds: number): string {
  if (seconds <= 0) return '0s'
  if (!Number.isInteger(seconds)) return `${Math.round(seconds * 1_000)}ms`
  if (seconds % 3_600 === 0) return `${seconds / 3_600}h`
  if (seconds % 60 === 0) return `${seconds / 60}m`
  return `${seconds}s`
}
