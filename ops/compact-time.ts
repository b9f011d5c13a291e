/** "20260208T093045Z" for milliseconds since the epoch: ISO 8601's basic format in UTC, so that names sort by time. */
export function compactTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
}
