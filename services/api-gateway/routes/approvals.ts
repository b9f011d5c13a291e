import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ok } from '#chassis/envelope.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import { optionalBody } from './fields.ts'

const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) })
const Body = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 500 })) },
  { additionalProperties: false },
)

const OPERATOR_HEADER = 'x-operator-key'

/** A person's decisions: passed on with the person's own credential, which the gateway neither holds nor judges. */
export function registerApprovals(app: SoniaApp, neighbours: Neighbours): void {
  app.get('/v1/approvals', {}, async (request) => {
    const answer = await neighbours.call<object>(
      'eva-os',
      { method: 'GET', path: '/approvals', headers: credentialOf(request), idempotent: true },
      request.call,
    )
    return ok(request, answer.body)
  })
  for (const decision of ['approve', 'deny'] as const) {
    const schema = { params: Params, body: optionalBody(Body) }
    app.post(`/v1/approvals/:id/${decision}`, { schema }, async (request) => {
      const reason = request.body?.reason
      const body = { token_id: request.params.id, decision, ...(reason === undefined ? {} : { reason }) }
      const answer = await neighbours.call<object>(
        'eva-os',
        { method: 'POST', path: '/approve', body, headers: credentialOf(request) },
        request.call,
      )
      return ok(request, answer.body)
    })
  }
}

function credentialOf(request: FastifyRequest): Record<string, string> {
  const presented = request.headers[OPERATOR_HEADER]
  return typeof presented === 'string' ? { [OPERATOR_HEADER]: presented } : {}
}
