import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import { approvalView, TOKEN_ID } from '../approvals/approval.ts'
import type { Approvals } from '../approvals/approvals.ts'
import { Envelope } from '../approvals/envelope.ts'

const TokenId = Type.String({ pattern: TOKEN_ID })

const Decision = Type.Object(
  {
    token_id: TokenId,
    decision: Type.Enum(['approve', 'deny']),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
)

export interface ApprovalRouteParts {
  readonly approvals: Approvals
  readonly nowMs: () => number
  readonly operatorOf: (presented: string) => string | undefined
}

/** The person's side (list, decide) and openclaw's side (redeem) of approvals. */
export function addApprovalRoutes(app: SoniaApp, { approvals, nowMs, operatorOf }: ApprovalRouteParts): void {
  app.get('/approvals', { config: { auth: 'operator' } }, () => ({
    approvals: approvals.open().map((approval) => approvalView(approval, nowMs())),
  }))

  app.post(
    '/approve',
    { schema: { body: Decision }, config: { auth: 'operator', uniqueKeys: true } },
    (request) => {
      const { token_id: tokenId, decision, reason } = request.body
      const key = request.headers['x-operator-key']
      const by = typeof key === 'string' ? operatorOf(key) : undefined
      if (by === undefined) throw new ServiceError('UNAUTHORIZED', 'The operator key does not hold')
      return approvalView(approvals.decide({ tokenId, decision, by, reason: reason ?? null }), nowMs())
    },
  )

  app.post(
    '/approvals/:token_id/redeem',
    {
      schema: {
        params: Type.Object({ token_id: TokenId }),
        body: Type.Object({ envelope: Envelope }, { additionalProperties: false }),
      },
      config: { callers: ['openclaw'], uniqueKeys: true, priority: 'high' },
    },
    (request) => {
      const { envelope, tokenId } = approvals.redeem(request.params.token_id, request.body.envelope)
      return { status: 'redeemed', token_id: tokenId, argv: envelope.argv, envelope }
    },
  )
}
