import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { CALLER_NAMES, type CallerName, SERVICE_NAMES, SUPERVISOR } from '#catalog'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { TokenMint } from '../keys/issue-token.ts'

export interface TokenRouteParts {
  readonly mint: TokenMint
  readonly ring: KeyRing
  /** The holder that a bootstrap secret proves, or not. */
  readonly holdsSecret: (holder: CallerName, presented: string) => boolean
  readonly operatorOf: (presented: string) => string | undefined
  readonly onIssued: (holder: CallerName, audience: string, issued: { jti: string; by: string }) => void
  readonly onRefused: (holder: string) => void
}

const Body = Type.Object(
  {
    audience: Type.Enum([...SERVICE_NAMES]),
    /** Only with an operator key: for whom. */
    subject: Type.Optional(Type.Enum([...CALLER_NAMES])),
  },
  { additionalProperties: false },
)

const Answer = Type.Object({ token: Type.String(), expires_at: Type.String() })

/** Service tokens and the keys to check them. These routes prove their callers themselves: a token cannot be needed to get one. */
export function addTokenRoutes(app: SoniaApp, parts: TokenRouteParts): void {
  app.post(
    '/v1/tokens',
    { schema: { body: Body, response: { 200: Answer } }, config: { auth: 'open', priority: 'high' } },
    async (request) => {
      const { audience, subject } = request.body
      const { holder, by } = proveHolder(request, subject, parts)
      const { token, expires_at, jti } = await parts.mint.issue(holder, audience)
      parts.onIssued(holder, audience, { jti, by })
      return { token, expires_at }
    },
  )
  app.get('/.well-known/jwks.json', { config: { auth: 'open', priority: 'high' } }, (_request, reply) =>
    reply.header('cache-control', 'max-age=5').send(parts.ring.jwks()),
  )
  app.post('/v1/keys/rotate', { config: { auth: 'operator' } }, async () => {
    await parts.ring.rotate()
    return { keys: [...parts.ring.describe()] }
  })
  // For a key that somebody may have copied: no overlap, whatever it signed is worthless.
  app.post('/v1/keys/revoke', { config: { auth: 'operator' } }, async () => {
    parts.ring.dropAll()
    await parts.ring.tick()
    return { keys: [...parts.ring.describe()] }
  })
}

function proveHolder(
  { headers }: Pick<FastifyRequest, 'headers'>,
  subject: CallerName | undefined,
  parts: TokenRouteParts,
): { holder: CallerName; by: string } {
  const operatorKey = headers['x-operator-key']
  if (typeof operatorKey === 'string') {
    const operator = parts.operatorOf(operatorKey)
    if (operator === undefined) throw unproven(parts, 'operator', 'The operator key does not hold')
    return { holder: subject ?? SUPERVISOR, by: operator }
  }
  const name = headers['x-service-name']
  const secret = headers['x-bootstrap-secret']
  const holder = CALLER_NAMES.find((known) => known === name)
  if (holder === undefined || typeof secret !== 'string' || !parts.holdsSecret(holder, secret)) {
    throw unproven(parts, holder ?? 'unknown', 'The bootstrap secret does not hold')
  }
  if (subject !== undefined && subject !== holder) {
    throw new ServiceError('FORBIDDEN', 'A service asks for itself only')
  }
  return { holder, by: holder }
}

function unproven(parts: TokenRouteParts, holder: string, message: string): ServiceError {
  parts.onRefused(holder)
  return new ServiceError('UNAUTHORIZED', message)
}
