/** Why this candidate answers, or nobody. Every choice is logged and counted under one of these. */
export const REASON_CODES = [
  'PROFILE_MATCH',
  'FALLBACK_USED',
  'PROVIDER_UNHEALTHY',
  'QUARANTINED',
  'BUDGET_EXCEEDED',
  'NO_PROVIDER',
] as const

export type ReasonCode = (typeof REASON_CODES)[number]
