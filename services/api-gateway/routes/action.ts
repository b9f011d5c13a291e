import { BrokenCircuitError } from 'cockatiel'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import type { CallContext } from '#chassis/call-context.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { type Envelope, failure, ok } from '#chassis/envelope.ts'
import { ServiceError } from '#chassis/errors.ts'
import { type ActionNeeds, type ActionRequest, act, principalOf } from '../action.ts'
import type { ActionKey, IdempotencyStore } from '../state/idempotency-store.ts'
import { givenTwice, optionalBody, SessionId } from './fields.ts'

const ToolName = Type.String({ minLength: 1, maxLength: 100 })
const Args = Type.Record(Type.String(), Type.Unknown())
const OPTIONS = {
  timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })),
  session_id: Type.Optional(SessionId),
  approval_token: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  idempotency_key: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,128}$' })),
}
const Whole = Type.Object({ tool_name: ToolName, args: Args, ...OPTIONS }, { additionalProperties: false })
const Query = Type.Object({ tool_name: Type.Optional(ToolName), ...OPTIONS }, { additionalProperties: false })

export interface ActionRouteNeeds extends ActionNeeds {
  readonly idempotency: IdempotencyStore
}

/** POST /v1/action. With `tool_name` in the query the body is the tool's arguments, else the whole request. */
export function registerAction(app: SoniaApp, needs: ActionRouteNeeds): void {
  app.post(
    '/v1/action',
    {
      schema: { querystring: Query, body: optionalBody(Type.Record(Type.String(), Type.Unknown())) },
      config: { priority: 'normal', timeoutMs: 65_000, uniqueKeys: true },
    },
    async (request, reply) => {
      const { idempotency_key: key, ...action } = wholeRequest(request.query, request.body)
      if (key === undefined) return ok(request, await act(action, needs, request.call))
      const first = await once({ key, action }, needs, request)
      return reply.status(first.status).send(first.body)
    },
  )
}

function wholeRequest(
  query: Static<typeof Query>,
  body: Record<string, unknown> | null,
): Static<typeof Whole> {
  const { tool_name: toolName, ...options } = query
  if (toolName === undefined) refuseSaidTwice(options, body)
  const whole =
    toolName === undefined ? { ...options, ...body } : { ...options, tool_name: toolName, args: body ?? {} }
  const problem = firstProblem(whole)
  if (problem === null) return whole as Static<typeof Whole>
  throw problem
}

function refuseSaidTwice(query: object, body: object | null): void {
  const twice = Object.keys(query).filter((name) => Object.hasOwn(body ?? {}, name))
  if (twice.length === 0) return
  throw givenTwice(
    'A field of an action comes in the query or in the body, not in both',
    twice.flatMap((name) => [`querystring.${name}`, `body.${name}`]),
  )
}

/** As the chassis says it of other routes; what came in the query has been validated by then. */
function firstProblem(whole: Readonly<Record<string, unknown>>): ServiceError | null {
  const missing = ['tool_name', 'args'].find((field) => whole[field] === undefined)
  if (missing !== undefined) return problemOf(`body.${missing}`, 'required', 'is required')
  const [error] = Errors(Whole, whole)
  if (error === undefined) return null
  if (error.keyword === 'boolean') {
    return problemOf('body', 'additionalProperties', 'must NOT have additional properties')
  }
  return problemOf(`body${error.instancePath.replaceAll('/', '.')}`, error.keyword, error.message)
}

function problemOf(field: string, problem: string, message: string): ServiceError {
  return new ServiceError('INVALID_ARGUMENT', `${field} ${message}`, {
    unprocessable: problem === 'required' || problem === 'type',
    details: { field, problem },
  })
}

interface KeyedAction {
  readonly key: string
  readonly action: ActionRequest
}

interface KeyedAnswer {
  readonly status: number
  readonly body: unknown
}

async function once(
  { key, action }: KeyedAction,
  needs: ActionRouteNeeds,
  request: FastifyRequest,
): Promise<KeyedAnswer> {
  const { call } = request
  const actionKey: ActionKey = { key, principal: principalOf(call), request: action }
  const earlier = needs.idempotency.begin(actionKey)
  if (earlier !== null) return { status: earlier.status, body: replayed(earlier.body, call) }
  try {
    const answer = { status: 200, body: ok(request, await act(action, needs, call)) }
    needs.idempotency.finish(actionKey, answer)
    return answer
  } catch (error) {
    const known = asServiceError(error)
    settleFailure(actionKey, known, { needs, request })
    throw known
  }
}

/**
 * What certainly did not run gives its key back: the same request may try again, after an approval, say.
 * Anything else may have run, so its answer stands for good.
 */
function settleFailure(
  actionKey: ActionKey,
  error: ServiceError,
  { needs, request }: { needs: ActionRouteNeeds; request: FastifyRequest },
): void {
  if (certainlyDidNotRun(error)) {
    needs.idempotency.abandon(actionKey)
    return
  }
  const body: Envelope<never> = failure(request.exchange.origin(), error)
  needs.idempotency.finish(actionKey, { status: error.status, body })
}

const REFUSALS: ReadonlySet<string> = new Set([
  'INVALID_ARGUMENT',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'NOT_FOUND',
  'RATE_LIMITED',
  'TOO_LARGE',
])
const NEVER_CONNECTED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT'])

function certainlyDidNotRun({ code, cause }: ServiceError): boolean {
  if (REFUSALS.has(code)) return true
  if (code !== 'UNAVAILABLE') return false
  // Without a cause openclaw itself answered 503, which it does before it executes anything.
  if (cause === undefined || cause instanceof BrokenCircuitError) return true
  return cause instanceof Error && 'code' in cause && NEVER_CONNECTED.has(cause.code)
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  return new ServiceError('INTERNAL_ERROR', 'The action failed', { cause: error })
}

/** The first answer under the id of this request. */
function replayed(body: unknown, call: CallContext): unknown {
  return { ...(body as object), correlation_id: call.correlationId }
}
