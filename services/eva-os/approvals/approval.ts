import type { CallFacts } from '../policy/judge.ts'
import type { Tier } from '../policy/tiers.ts'
import type { Envelope } from './envelope.ts'

/** What can be an approval token at all; another text is malformed, not unknown. */
export const TOKEN_ID = '^[A-Za-z0-9_-]{8,128}$'

export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'redeemed' | 'expired' | 'voided'

export interface Approval {
  readonly tokenId: string
  readonly status: ApprovalStatus
  readonly envelope: Envelope
  readonly envelopeSha256: string
  /** What policy saw; judged again before the approval is burned. */
  readonly facts: CallFacts
  readonly action: string
  readonly summary: string
  readonly tier: Tier
  readonly principal: string
  readonly sessionId: string | null
  readonly policyVersion: string
  readonly runId: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly decidedAtMs: number | null
  readonly decidedBy: string | null
  readonly reason: string | null
  readonly redeemedAtMs: number | null
}

/** An approval as its holder and the deciding person see it. */
export function approvalView(approval: Approval, nowMs: number) {
  return {
    token_id: approval.tokenId,
    status: approval.status,
    action: approval.action,
    summary: approval.summary,
    tier: approval.tier,
    principal: approval.principal,
    session_id: approval.sessionId,
    policy_version: approval.policyVersion,
    created_at: new Date(approval.createdAtMs).toISOString(),
    expires_at: new Date(approval.expiresAtMs).toISOString(),
    ttl_seconds: Math.max(0, Math.ceil((approval.expiresAtMs - nowMs) / 1000)),
    decided_by: approval.decidedBy,
    reason: approval.reason,
    envelope: approval.envelope,
  }
}
