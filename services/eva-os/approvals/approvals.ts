import type { CallFacts } from '../policy/judge.ts'
import type { Approval } from './approval.ts'
import type { Ending } from './approval-table.ts'
import { type Envelope, envelopeSha256 } from './envelope.ts'
import { refused } from './refusal.ts'
import {
  createTransitions,
  isAlive,
  type Outcome,
  type PersonDecision,
  type TransitionParts,
} from './transitions.ts'

/** What an approval is asked for: a judged call. */
export interface ApprovalRequest {
  readonly envelope: Envelope
  readonly action: string
  readonly summary: string
  readonly facts: CallFacts
  readonly policyVersion: string
  readonly lifeSeconds: number
}

/** The life of approvals. Each call is one durable transaction: what it returned has been written. */
export interface Approvals {
  request(request: ApprovalRequest): Approval
  decide(decision: PersonDecision): Approval
  /** Burns the approval, or throws why it does not hold. Of any number of callers exactly one gets the approval. */
  redeem(tokenId: string, envelope: Envelope): Approval
  open(): readonly Approval[]
  /** Ends all that are open: after a step of the clock, a restore, a new run. */
  voidOpen(reason: string, nowMs: number, which?: (approval: Approval) => boolean): void
  /** Ends those whose time is over. */
  expire(): void
}

export interface ApprovalParts extends TransitionParts {
  readonly durably: <T>(change: () => T) => T
  readonly nowMs: () => number
  readonly newTokenId: () => string
  readonly runId: string
  readonly pendingMax: number
  readonly onTooMany: () => Error
  readonly onChange: (what: 'requested' | Ending['status'], count: number, pending: number) => void
}

export function createApprovals(parts: ApprovalParts): Approvals {
  const { table, durably } = parts
  const transitions = createTransitions(parts)
  const tell = (what: 'requested' | Ending['status'], count: number) => {
    if (count > 0) parts.onChange(what, count, table.pendingCount())
  }
  /** Commits first, then tells: the record of a refusal, and an expiry found on the way, outlive the error. */
  const settle = (work: (nowMs: number) => Outcome): Approval => {
    const nowMs = parts.nowMs()
    const { expired, outcome } = durably(() => ({ expired: transitions.expire(nowMs), outcome: work(nowMs) }))
    tell('expired', expired)
    if ('refusal' in outcome) throw refused(outcome.refusal, outcome.message)
    tell(outcome.became, 1)
    return outcome.approval
  }
  return {
    request(request) {
      const nowMs = parts.nowMs()
      const approval = newApproval(request, parts, nowMs)
      const expired = durably(() => insert(parts, approval, transitions.expire(nowMs)))
      tell('expired', expired)
      tell('requested', 1)
      return approval
    },
    decide: (decision) => settle((nowMs) => transitions.decide(decision, nowMs)),
    redeem: (tokenId, envelope) => settle((nowMs) => transitions.redeem(tokenId, envelope, nowMs)),
    open() {
      const nowMs = parts.nowMs()
      return table.open().filter((approval) => isAlive(approval, nowMs))
    },
    voidOpen(reason, nowMs, which = () => true) {
      const doomed = table.open().filter(which)
      if (doomed.length === 0) return
      durably(() => {
        for (const approval of doomed)
          transitions.end(approval, { status: 'voided', atMs: nowMs, by: null, reason })
      })
      tell('voided', doomed.length)
    },
    expire() {
      const nowMs = parts.nowMs()
      if (table.open().every((approval) => isAlive(approval, nowMs))) return
      tell(
        'expired',
        durably(() => transitions.expire(nowMs)),
      )
    },
  }
}

function insert(parts: ApprovalParts, approval: Approval, expired: number): number {
  if (parts.table.pendingCount() >= parts.pendingMax) throw parts.onTooMany()
  parts.table.insert(approval)
  parts.audit(
    'approval_requested',
    {
      token_id: approval.tokenId,
      principal: approval.principal,
      tier: approval.tier,
      envelope_sha256: approval.envelopeSha256,
      summary: approval.summary,
      policy_version: approval.policyVersion,
    },
    approval.createdAtMs,
  )
  return expired
}

function newApproval(request: ApprovalRequest, parts: ApprovalParts, nowMs: number): Approval {
  const { envelope, action, summary, facts, policyVersion, lifeSeconds } = request
  return {
    tokenId: parts.newTokenId(),
    status: 'pending',
    envelope,
    envelopeSha256: envelopeSha256(envelope),
    facts,
    action,
    summary,
    tier: facts.tier,
    principal: envelope.principal,
    sessionId: envelope.session_id,
    policyVersion,
    runId: parts.runId,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + lifeSeconds * 1000,
    decidedAtMs: null,
    decidedBy: null,
    reason: null,
    redeemedAtMs: null,
  }
}
