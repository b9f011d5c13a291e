import type { CallFacts } from '../policy/judge.ts'
import { isTier } from '../policy/tiers.ts'
import type { Connection } from '../store/database.ts'
import type { Approval, ApprovalStatus } from './approval.ts'
import type { Envelope } from './envelope.ts'

interface Row {
  readonly token_id: string
  readonly status: ApprovalStatus
  readonly envelope: string
  readonly envelope_sha256: string
  readonly facts: string
  readonly action: string
  readonly summary: string
  readonly tier: string
  readonly principal: string
  readonly session_id: string | null
  readonly policy_version: string
  readonly run_id: string
  readonly created_at_ms: number
  readonly expires_at_ms: number
  readonly decided_at_ms: number | null
  readonly decided_by: string | null
  readonly reason: string | null
  readonly redeemed_at_ms: number | null
}

export interface Ending {
  readonly status: 'approved' | 'denied' | 'redeemed' | 'expired' | 'voided'
  readonly atMs: number
  readonly by: string | null
  readonly reason: string | null
}

/** The approvals as rows. Every change moves one row from the status it is expected to have. */
export interface ApprovalTable {
  insert(approval: Approval): void
  find(tokenId: string): Approval | undefined
  /** Pending and approved ones, oldest first. */
  open(): readonly Approval[]
  pendingCount(): number
  /** True if the row was in `from` and is now in `ending.status`: of many callers one sees true. */
  move(tokenId: string, from: ApprovalStatus, ending: Ending): boolean
}

/** The term of the index `approvals_open`: with it a query does not look at those that have ended, which are kept. */
const IS_OPEN = "status IN ('pending', 'approved')"

export const PENDING_COUNT = `SELECT count(*) AS count FROM approvals WHERE ${IS_OPEN} AND status = 'pending'`

export function approvalTable(connection: Connection): ApprovalTable {
  const insert = connection.prepare<[Row]>(`
    INSERT INTO approvals VALUES (@token_id, @status, @envelope, @envelope_sha256, @facts, @action, @summary, @tier, @principal,
      @session_id, @policy_version, @run_id, @created_at_ms, @expires_at_ms, @decided_at_ms, @decided_by, @reason,
      @redeemed_at_ms)`)
  const find = connection.prepare<[string], Row>('SELECT * FROM approvals WHERE token_id = ?')
  const open = connection.prepare<[], Row>(
    `SELECT * FROM approvals WHERE ${IS_OPEN} ORDER BY created_at_ms, token_id`,
  )
  const count = connection.prepare<[], { count: number }>(PENDING_COUNT)
  const redeem = connection.prepare(
    "UPDATE approvals SET status = 'redeemed', redeemed_at_ms = @atMs WHERE token_id = @tokenId AND status = @from",
  )
  const move = connection.prepare(`
    UPDATE approvals SET status = @status, decided_at_ms = coalesce(decided_at_ms, @atMs),
      decided_by = coalesce(decided_by, @by), reason = coalesce(@reason, reason)
    WHERE token_id = @tokenId AND status = @from`)
  return {
    insert: (approval) => {
      insert.run(rowOf(approval))
    },
    find: (tokenId) => {
      const row = find.get(tokenId)
      return row === undefined ? undefined : approvalOf(row)
    },
    open: () => open.all().map(approvalOf),
    pendingCount: () => count.get()?.count ?? 0,
    move: (tokenId, from, ending) => {
      const statement = ending.status === 'redeemed' ? redeem : move
      return statement.run({ tokenId, from, ...ending }).changes === 1
    },
  }
}

function rowOf(approval: Approval): Row {
  return {
    token_id: approval.tokenId,
    status: approval.status,
    envelope: JSON.stringify(approval.envelope),
    envelope_sha256: approval.envelopeSha256,
    facts: JSON.stringify(approval.facts),
    action: approval.action,
    summary: approval.summary,
    tier: approval.tier,
    principal: approval.principal,
    session_id: approval.sessionId,
    policy_version: approval.policyVersion,
    run_id: approval.runId,
    created_at_ms: approval.createdAtMs,
    expires_at_ms: approval.expiresAtMs,
    decided_at_ms: approval.decidedAtMs,
    decided_by: approval.decidedBy,
    reason: approval.reason,
    redeemed_at_ms: approval.redeemedAtMs,
  }
}

function approvalOf(row: Row): Approval {
  if (!isTier(row.tier)) throw new Error('An approval has an unknown tier')
  return {
    tokenId: row.token_id,
    status: row.status,
    envelope: JSON.parse(row.envelope) as Envelope,
    envelopeSha256: row.envelope_sha256,
    facts: JSON.parse(row.facts) as CallFacts,
    action: row.action,
    summary: row.summary,
    tier: row.tier,
    principal: row.principal,
    sessionId: row.session_id,
    policyVersion: row.policy_version,
    runId: row.run_id,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    decidedAtMs: row.decided_at_ms,
    decidedBy: row.decided_by,
    reason: row.reason,
    redeemedAtMs: row.redeemed_at_ms,
  }
}
