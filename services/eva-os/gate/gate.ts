import { ServiceError } from '#chassis/errors.ts'
import type { AuditEvent } from '../audit/audit-log.ts'
import type { Approval } from '../approvals/approval.ts'
import type { Approvals } from '../approvals/approvals.ts'
import type { Envelope } from '../approvals/envelope.ts'
import type { RequestRate } from '../approvals/request-rate.ts'
import { summarise } from '../approvals/summary.ts'
import { type CallFacts, type Decision, type Judgement, judge, type Policy } from '../policy/judge.ts'
import { isTool, type Tier } from '../policy/tiers.ts'
import { callFacts, type ToolCall } from './tool-call.ts'

export interface GateAnswer {
  readonly decision: Decision
  readonly reason: string
  readonly policyVersion: string
  readonly tier: Tier | 'UNKNOWN'
  readonly approval: Approval | null
}

export interface GateParts {
  readonly policy: () => Policy
  readonly approvals: Approvals
  readonly rate: RequestRate
  readonly monotonicMs: () => number
  readonly approvalSeconds: number
  /** Recorded before the answer is given: no record, no decision. */
  readonly record: (event: AuditEvent, body: Readonly<Record<string, unknown>>) => void
  readonly onDecision: (decision: Decision, tier: Tier | 'UNKNOWN') => void
}

export type Gate = (call: ToolCall, correlationId: string) => GateAnswer

/** Decides about one call by the policy in force, and opens an approval where a person has to decide. */
export function createGate(parts: GateParts): Gate {
  return (call, correlationId) => {
    const policy = parts.policy()
    const facts = callFacts(call)
    const judgement = judge(policy, facts)
    const needsPerson = judgement.decision === 'approval_required' && call.envelope !== null
    const approval = needsPerson
      ? ask(parts, { call, facts, judgement, policy, envelope: call.envelope })
      : null
    const tier = isTool(call.toolName) ? facts.tier : 'UNKNOWN'
    parts.record('tool_call_judged', {
      tool: isTool(call.toolName) ? call.toolName : 'unknown',
      tier,
      decision: judgement.decision,
      reason: judgement.reason,
      principal: call.principal,
      session_id: call.sessionId,
      args_sha256: call.envelope?.canonical_args_sha256 ?? null,
      token_id: approval?.tokenId ?? null,
      policy_version: policy.version,
      correlation_id: correlationId,
    })
    parts.onDecision(judgement.decision, tier)
    return {
      decision: judgement.decision,
      reason: reasonOf(judgement, call),
      policyVersion: policy.version,
      tier,
      approval,
    }
  }
}

function ask(
  parts: GateParts,
  asked: {
    readonly call: ToolCall
    readonly envelope: Envelope
    readonly facts: CallFacts
    readonly judgement: Judgement
    readonly policy: Policy
  },
): Approval {
  const { call, envelope, facts, judgement, policy } = asked
  const waitSeconds = parts.rate.take(call.principal, parts.monotonicMs())
  if (waitSeconds > 0) {
    throw new ServiceError('RATE_LIMITED', 'Too many requests for approval', {
      retryAfterSeconds: waitSeconds,
    })
  }
  const ruleSeconds = judgement.rule?.approval_seconds ?? parts.approvalSeconds
  return parts.approvals.request({
    envelope,
    ...summarise(envelope, call.args),
    facts,
    policyVersion: policy.version,
    lifeSeconds: Math.min(ruleSeconds, parts.approvalSeconds),
  })
}

function reasonOf({ decision, reason }: Judgement, { envelope }: ToolCall): string {
  if (decision !== 'approval_required' || envelope !== null) return reason
  return `${reason}; a person approves one exact call, so ask through openclaw, which resolves it`
}
