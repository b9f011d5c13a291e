import type { AuditEvent } from '../audit/audit-log.ts'
import { type CallFacts, type Decision, isStricter, type Judgement } from '../policy/judge.ts'
import type { Approval, ApprovalStatus } from './approval.ts'
import type { ApprovalTable, Ending } from './approval-table.ts'
import { differences, type Envelope, envelopeSha256 } from './envelope.ts'
import type { ApprovalRefusal } from './refusal.ts'

/** Result of a transaction that must be committed also where the caller is then refused. */
export type Outcome =
  | { readonly approval: Approval; readonly became: Ending['status'] }
  | { readonly refusal: ApprovalRefusal; readonly message?: string }

export interface PersonDecision {
  readonly tokenId: string
  readonly decision: 'approve' | 'deny'
  readonly by: string
  readonly reason: string | null
}

export interface TransitionParts {
  readonly table: ApprovalTable
  readonly audit: (event: AuditEvent, body: Readonly<Record<string, unknown>>, atMs: number) => void
  readonly judgeNow: (facts: CallFacts) => Judgement
}

/** The steps of an approval's life. Each belongs inside one transaction. */
export interface Transitions {
  redeem(tokenId: string, envelope: Envelope, nowMs: number): Outcome
  decide(decision: PersonDecision, nowMs: number): Outcome
  end(approval: Approval, ending: Ending): void
  /** Number of approvals whose time was over. */
  expire(nowMs: number): number
}

/** The least strict decision under which a person could have been asked. */
const ASKED_UNDER: Decision = 'approval_required'

export function createTransitions(parts: TransitionParts): Transitions {
  const { table, audit } = parts
  const end = (approval: Approval, ending: Ending) => {
    if (!table.move(approval.tokenId, approval.status, ending)) return
    audit(
      'approval_ended',
      { token_id: approval.tokenId, status: ending.status, reason: ending.reason },
      ending.atMs,
    )
  }
  return {
    end,
    redeem: (tokenId, envelope, nowMs) => {
      const outcome = redeem({ ...parts, end }, { tokenId, envelope, nowMs })
      if ('refusal' in outcome) auditRefusal(parts, tokenId, outcome, nowMs)
      return outcome
    },
    decide: (decision, nowMs) => {
      const outcome = decide(parts, decision, nowMs)
      if ('refusal' in outcome) auditRefusal(parts, decision.tokenId, outcome, nowMs)
      return outcome
    },
    expire(nowMs) {
      const over = table.open().filter((approval) => !isAlive(approval, nowMs))
      for (const approval of over) end(approval, { status: 'expired', atMs: nowMs, by: null, reason: null })
      return over.length
    },
  }
}

/** An approval from the future is as dead as an old one. */
export function isAlive(approval: Approval, nowMs: number): boolean {
  return approval.createdAtMs <= nowMs && nowMs < approval.expiresAtMs
}

type EndingParts = TransitionParts & Pick<Transitions, 'end'>

function redeem(parts: EndingParts, call: { tokenId: string; envelope: Envelope; nowMs: number }): Outcome {
  const { table, audit } = parts
  const { tokenId, envelope, nowMs } = call
  const approval = table.find(tokenId)
  if (approval === undefined) return { refusal: 'APPROVAL_UNKNOWN' }
  if (approval.status === 'denied') return { refusal: 'POLICY_DENIED', message: 'A person denied this call' }
  if (approval.status !== 'approved') return { refusal: REDEEM_REFUSALS[approval.status] }
  if (envelopeSha256(envelope) !== approval.envelopeSha256) {
    const parted = differences(approval.envelope, envelope)
    return {
      refusal: 'APPROVAL_MISMATCH',
      message: `The approval is for another call: ${parted.join(', ')} differ`,
    }
  }
  if (isForbiddenNow(parts, approval)) {
    parts.end(approval, { status: 'voided', atMs: nowMs, by: null, reason: 'the policy became stricter' })
    return { refusal: 'POLICY_DENIED', message: 'The policy does not allow this call any more' }
  }
  if (!table.move(tokenId, 'approved', { status: 'redeemed', atMs: nowMs, by: null, reason: null })) {
    return { refusal: 'APPROVAL_USED' }
  }
  audit('approval_redeemed', { token_id: tokenId, envelope_sha256: approval.envelopeSha256 }, nowMs)
  return { approval: { ...approval, status: 'redeemed', redeemedAtMs: nowMs }, became: 'redeemed' }
}

function isForbiddenNow(parts: TransitionParts, approval: Approval): boolean {
  return isStricter(parts.judgeNow(approval.facts).decision, ASKED_UNDER)
}

function decide({ table, audit }: TransitionParts, person: PersonDecision, nowMs: number): Outcome {
  const { tokenId, decision, by, reason } = person
  const approval = table.find(tokenId)
  if (approval === undefined) return { refusal: 'APPROVAL_UNKNOWN' }
  if (approval.status !== 'pending') return { refusal: DECIDE_REFUSALS[approval.status] }
  // Denying one's own request harms nobody.
  if (decision === 'approve' && by === approval.principal) return { refusal: 'SELF_APPROVAL' }
  const status = decision === 'approve' ? 'approved' : 'denied'
  table.move(tokenId, 'pending', { status, atMs: nowMs, by, reason })
  audit('approval_decided', { token_id: tokenId, decision, by, reason }, nowMs)
  return { approval: { ...approval, status, decidedAtMs: nowMs, decidedBy: by, reason }, became: status }
}

function auditRefusal(
  { audit }: TransitionParts,
  tokenId: string,
  outcome: { readonly refusal: ApprovalRefusal; readonly message?: string },
  nowMs: number,
): void {
  audit(
    'approval_refused',
    { token_id: tokenId, reason: outcome.refusal, message: outcome.message ?? null },
    nowMs,
  )
}

const REDEEM_REFUSALS = {
  pending: 'APPROVAL_PENDING',
  redeemed: 'APPROVAL_USED',
  expired: 'APPROVAL_EXPIRED',
  voided: 'APPROVAL_EXPIRED',
} as const satisfies Record<Exclude<ApprovalStatus, 'approved' | 'denied'>, ApprovalRefusal>

const DECIDE_REFUSALS = {
  approved: 'APPROVAL_USED',
  denied: 'APPROVAL_USED',
  redeemed: 'APPROVAL_USED',
  expired: 'APPROVAL_EXPIRED',
  voided: 'APPROVAL_EXPIRED',
} as const satisfies Record<Exclude<ApprovalStatus, 'pending'>, ApprovalRefusal>
