/** Token bucket per principal: `burst` at once, refilled at `perMinute`. */
export interface RequestRate {
  /** 0 if the request may pass, else the seconds until the next one may. */
  take(principal: string, monotonicMs: number): number
}

const PRINCIPALS_MAX = 1_000

export function createRequestRate(limits: {
  readonly burst: number
  readonly perMinute: number
}): RequestRate {
  const buckets = new Map<string, { level: number; atMs: number }>()
  const perMs = limits.perMinute / 60_000
  const levelAt = (bucket: { level: number; atMs: number } | undefined, nowMs: number) =>
    bucket === undefined ? limits.burst : Math.min(limits.burst, bucket.level + (nowMs - bucket.atMs) * perMs)
  return {
    take(principal, nowMs) {
      const level = levelAt(buckets.get(principal), nowMs)
      if (level < 1) return Math.ceil((1 - level) / perMs / 1000)
      // Re-inserted, so that the first key is the one that was quiet longest: the one that may be forgotten.
      buckets.delete(principal)
      buckets.set(principal, { level: level - 1, atMs: nowMs })
      if (buckets.size > PRINCIPALS_MAX) buckets.delete(buckets.keys().next().value ?? '')
      return 0
    },
  }
}
