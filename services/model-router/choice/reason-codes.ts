/** Why this candidate answers, or nobody. Every choice is logged and counted under one of these. */
export type ReasonCode =
  | 'PROFILE_MATCH'
  | 'FALLBACK_USED'
  | 'PROVIDER_UNHEALTHY'
  | 'QUARANTINED'
  | 'BUDGET_EXCEEDED'
  | 'NO_PROVIDER'
