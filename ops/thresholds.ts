const MIB = 1_024 * 1_024
const HOUR_SECONDS = 3_600

/** The one source of what is too much: alert rules, the colours of ./sonia status and of the dashboards follow it. */
export const THRESHOLDS = {
  /** Share of requests that failed. */
  errorRatio: { warning: 0.01, critical: 0.05 },
  /** 95 of 100 requests are faster. Edges of the latency buckets, so that the share of slower ones is exact. */
  latencyP95Seconds: { warning: 2, critical: 5 },
  memoryGrowthBytesPerHour: { warning: 50 * MIB, critical: 100 * MIB },
  /** Below `watched` a trend towards full is noise. */
  diskUsedRatio: { critical: 0.9, watched: 0.5 },
  /** Share of answers that carry a warning. */
  degradedRatio: { warning: 0.05 },
  /** A request this old counts as a deadlock. */
  oldestInFlightSeconds: { critical: 60 },
  /** Lifetime of a voice session is 30 min; an older one is stuck. */
  voiceSessionAgeSeconds: { warning: 35 * 60 },
  backupAgeSeconds: { critical: 6 * HOUR_SECONDS },
  backupVerifiedAgeSeconds: { warning: 12 * HOUR_SECONDS },
  /** Refused service tokens per second. */
  authFailuresPerSecond: { warning: 1 },
  /** Fewer requests per second than this say nothing about a ratio. */
  requestFloorPerSecond: 0.1,
  /** The soak's own error budget: strictly below 0.5 % over its window. */
  soakErrorRatio: 0.005,
  soakHours: 48,
} as const

/** Codes that count as failures of a service; refusals are answers. */
export const FAILURE_CODES = ['INTERNAL_ERROR', 'TIMEOUT', 'UNAVAILABLE'] as const

export type Level = 'ok' | 'warning' | 'critical'

export function levelOf(
  value: number,
  threshold: { readonly warning?: number; readonly critical?: number },
): Level {
  if (threshold.critical !== undefined && value > threshold.critical) return 'critical'
  return threshold.warning !== undefined && value > threshold.warning ? 'warning' : 'ok'
}
