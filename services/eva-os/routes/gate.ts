import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import { Envelope } from '../approvals/envelope.ts'
import type { Gate } from '../gate/gate.ts'
import { TIERS } from '../policy/tiers.ts'

/** A file of 10 MiB as an argument, its escapes, and the envelope. */
const BODY_BYTES_MAX = 24 * 1024 * 1024

const Body = Type.Object(
  {
    tool_name: Type.String({ minLength: 1, maxLength: 64 }),
    args: Type.Object({}, { additionalProperties: true }),
    session_id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,128}$' })),
    principal: Type.String({ pattern: '^[A-Za-z0-9_.:@-]{1,128}$' }),
    cwd: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    envelope: Type.Optional(Envelope),
  },
  { additionalProperties: false },
)

const Answer = Type.Object({
  status: Type.Enum(['approved', 'approval_required', 'denied']),
  reason: Type.String(),
  policy_version: Type.String(),
  tier: Type.Enum([...TIERS, 'UNKNOWN']),
  approval_request: Type.Optional(
    Type.Object({
      token_id: Type.String(),
      action: Type.String(),
      summary: Type.String(),
      ttl_seconds: Type.Integer(),
    }),
  ),
})

export function addGateRoute(app: SoniaApp, gate: Gate, nowMs: () => number): void {
  app.post(
    '/gate-tool-call',
    {
      schema: { body: Body, response: { 200: Answer } },
      config: { callers: ['openclaw', 'api-gateway'], uniqueKeys: true, priority: 'high' },
      bodyLimit: BODY_BYTES_MAX,
    },
    (request) => {
      const { body, call } = request
      const isOpenclaw = call.caller.kind === 'service' && call.caller.name === 'openclaw'
      if (body.envelope !== undefined && !isOpenclaw) {
        throw new ServiceError('FORBIDDEN', 'Only openclaw resolves calls')
      }
      const answer = gate(
        {
          toolName: body.tool_name,
          args: { ...body.args },
          principal: body.principal,
          sessionId: body.session_id ?? null,
          envelope: body.envelope ?? null,
        },
        call.correlationId,
      )
      const { approval } = answer
      return {
        status: answer.decision,
        reason: answer.reason,
        policy_version: answer.policyVersion,
        tier: answer.tier,
        ...(approval === null
          ? {}
          : {
              approval_request: {
                token_id: approval.tokenId,
                action: approval.action,
                summary: approval.summary,
                ttl_seconds: Math.max(0, Math.ceil((approval.expiresAtMs - nowMs()) / 1000)),
              },
            }),
      }
    },
  )
}
