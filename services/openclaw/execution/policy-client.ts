import type { CallContext } from '#chassis/call-context.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import { refusal } from '../refusal.ts'
import type { Envelope } from './envelope.ts'

export interface PolicyQuestion {
  readonly toolName: string
  readonly args: unknown
  readonly cwd: string | null
  readonly envelope: Envelope
}

/** A permission to run: by policy, or by a person's approval that is burned by now. */
export interface Permission {
  readonly by: 'policy' | 'approval'
  readonly policyVersion: string | null
  readonly argv: readonly string[] | null
}

/** eva-os, as openclaw uses it. Whatever goes wrong there, nothing is executed. */
export interface PolicyClient {
  readonly decide: (question: PolicyQuestion, call: CallContext) => Promise<Permission>
  readonly redeem: (tokenId: string, envelope: Envelope, call: CallContext) => Promise<Permission>
}

interface GateAnswer {
  readonly status?: unknown
  readonly reason?: unknown
  readonly policy_version?: unknown
  readonly approval_request?: unknown
}

interface RedeemAnswer {
  readonly status?: unknown
  readonly argv?: unknown
  readonly envelope?: { readonly canonical_args_sha256?: unknown; readonly tool?: unknown }
}

const POLICY_TIMEOUT_MS = 3_000
const TOKEN_ID = /^[A-Za-z0-9_-]{8,128}$/

export function policyClient(neighbours: Neighbours): PolicyClient {
  return {
    decide: async (question, call) => {
      const { body } = await neighbours.call<GateAnswer>('eva-os', gateRequest(question), call)
      return readDecision(body, question.envelope)
    },
    redeem: async (tokenId, envelope, call) => {
      const request = {
        method: 'POST',
        path: `/approvals/${encodeURIComponent(tokenId)}/redeem`,
        body: { envelope },
        timeoutMs: POLICY_TIMEOUT_MS,
      } as const
      const { body } = await neighbours.call<RedeemAnswer>('eva-os', request, call)
      return readRedemption(body, envelope)
    },
  }
}

/** Throws INVALID_ARGUMENT for what cannot be an approval token at all. */
export function assertTokenShape(token: string): void {
  if (TOKEN_ID.test(token)) return
  throw new ServiceError('INVALID_ARGUMENT', 'approval_token is malformed.')
}

function gateRequest({ toolName, args, cwd, envelope }: PolicyQuestion) {
  const optional = {
    ...(envelope.session_id === null ? {} : { session_id: envelope.session_id }),
    ...(cwd === null ? {} : { cwd }),
  }
  return {
    method: 'POST',
    path: '/gate-tool-call',
    body: { tool_name: toolName, args, principal: envelope.principal, ...optional, envelope },
    timeoutMs: POLICY_TIMEOUT_MS,
  } as const
}

function readDecision(answer: GateAnswer, envelope: Envelope): Permission {
  const policyVersion = typeof answer.policy_version === 'string' ? answer.policy_version : null
  switch (answer.status) {
    case 'approved':
      return { by: 'policy', policyVersion, argv: envelope.argv }
    case 'approval_required':
      throw refusal('APPROVAL_REQUIRED', 'A person has to approve this call.', {
        tier: envelope.tier,
        approval_request: answer.approval_request,
      })
    case 'denied':
      throw refusal('POLICY_DENIED', 'Policy does not allow this call.', { tier: envelope.tier })
    default:
      throw new ServiceError('UNAVAILABLE', 'Policy gave no decision that is understood.')
  }
}

function readRedemption(answer: RedeemAnswer, asked: Envelope): Permission {
  const { argv, envelope } = answer
  const isSameCall =
    envelope?.tool === asked.tool && envelope.canonical_args_sha256 === asked.canonical_args_sha256
  if (answer.status !== 'redeemed' || !isSameCall) {
    throw new ServiceError('UNAVAILABLE', 'The approval could not be redeemed.')
  }
  return { by: 'approval', policyVersion: null, argv: isWords(argv) ? argv : null }
}

function isWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string')
}
