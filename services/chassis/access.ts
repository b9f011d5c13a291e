import type { IncomingHttpHeaders } from 'node:http'
import type { CallerName, ServiceName } from '#catalog'
import { type ApiKey, findApiKey } from './api-keys.ts'
import { type BrowserRules, refuseStrangePages } from './browser-rules.ts'
import type { Caller } from './call-context.ts'
import type { RouteConfig } from './define-service.ts'
import { ServiceError } from './errors.ts'
import { AuthError, type AuthFailure, type TokenVerifier } from './token-verifier.ts'

/** Who stands at the door, and whether it stays closed. A refused caller is still named: it is logged and counted. */
export interface Identity {
  readonly caller: Caller
  readonly refusal?: ServiceError
}

interface DoorRequest {
  readonly headers: IncomingHttpHeaders
  readonly method?: string | undefined
}

export type Door = (request: DoorRequest) => Identity | Promise<Identity>

export interface AccessParts {
  readonly verifier: TokenVerifier
  readonly apiKeys: readonly ApiKey[]
  readonly browser: BrowserRules
  /** eva-os decides about operator keys; the others see only that one is there and pass it on. */
  readonly checkOperator: (presented: string) => boolean
  readonly onFailure: (reason: AuthFailure) => void
}

const SERVICE_TOKEN_HEADER = 'x-service-token'
const OPERATOR_HEADER = 'x-operator-key'
const API_KEY_HEADER = 'x-api-key'

const STRANGER: Caller = { kind: 'external', principal: 'anonymous' }
const LOCAL: Caller = { kind: 'external', principal: 'local' }
const OPERATOR: Caller = { kind: 'external', principal: 'operator' }

/** The door of one route, made once. It answers at once where a token is known, and never throws. */
export function createDoor(
  rule: { readonly auth: NonNullable<RouteConfig['auth']>; readonly callers?: readonly ServiceName[] },
  parts: AccessParts,
): Door {
  const counted = (door: Door): Door => withRefusals(door, parts.onFailure)
  switch (rule.auth) {
    case 'open':
      return () => ({ caller: STRANGER })
    case 'service':
      return counted((request) => serviceDoor(request, parts, rule.callers))
    case 'public':
      return counted((request) => publicDoor(request, parts, rule.callers))
    case 'public_key_later':
      return counted((request) => keyLaterDoor(request, parts, rule.callers))
    case 'operator':
      return counted((request) => operatorDoor(request, parts))
    default:
      throw new Error(`Unknown auth rule ${String(rule.auth)}`)
  }
}

/** Turns what a door throws, now or later, into a refusal. */
function withRefusals(door: Door, onFailure: (reason: AuthFailure) => void): Door {
  const refuse = (error: unknown): Identity => {
    if (error instanceof AuthError) onFailure(error.reason)
    if (error instanceof ServiceError) return { caller: STRANGER, refusal: error }
    return {
      caller: STRANGER,
      refusal: new ServiceError('INTERNAL_ERROR', 'Internal error', { cause: error }),
    }
  }
  return (request) => {
    try {
      const identity = door(request)
      return identity instanceof Promise ? identity.catch(refuse) : identity
    } catch (error) {
      return refuse(error)
    }
  }
}

function serviceDoor(
  request: DoorRequest,
  parts: AccessParts,
  callers: readonly ServiceName[] | undefined,
): Identity | Promise<Identity> {
  const token = request.headers[SERVICE_TOKEN_HEADER]
  if (token === undefined) throw new AuthError('UNAUTHORIZED', 'A service token is needed', 'missing')
  if (typeof token !== 'string')
    throw new AuthError('UNAUTHORIZED', 'The service token does not hold', 'malformed')
  const known = parts.verifier.recall(token)
  if (known !== undefined) return admit(known, callers)
  return parts.verifier.verify(token).then((name) => admit(name, callers))
}

function admit(name: CallerName, callers: readonly CallerName[] | undefined): Identity {
  if (callers !== undefined && !callers.includes(name)) {
    throw new AuthError('FORBIDDEN', 'This caller may not do this', 'caller_not_allowed')
  }
  return { caller: { kind: 'service', name } }
}

function publicDoor(
  request: DoorRequest,
  parts: AccessParts,
  callers: readonly ServiceName[] | undefined,
): Identity | Promise<Identity> {
  refuseStrangePages(request.headers, request.method ?? 'GET', parts.browser)
  if (request.headers[SERVICE_TOKEN_HEADER] !== undefined) return serviceDoor(request, parts, callers)
  if (parts.apiKeys.length === 0) return { caller: LOCAL }
  const presented = presentedKey(request.headers)
  if (presented === undefined) throw new AuthError('UNAUTHORIZED', 'An API key is needed', 'api_key')
  const principal = findApiKey(presented, parts.apiKeys)
  if (principal === undefined) throw new AuthError('UNAUTHORIZED', 'The API key does not hold', 'api_key')
  return { caller: { kind: 'external', principal } }
}

/** A page cannot give its WebSocket a header. It may come in as a stranger; its route asks for the key. */
function keyLaterDoor(
  request: DoorRequest,
  parts: AccessParts,
  callers: readonly ServiceName[] | undefined,
): Identity | Promise<Identity> {
  const { headers } = request
  const isMute = headers[SERVICE_TOKEN_HEADER] === undefined && presentedKey(headers) === undefined
  if (parts.apiKeys.length === 0 || !isMute) return publicDoor(request, parts, callers)
  refuseStrangePages(headers, request.method ?? 'GET', parts.browser)
  return { caller: STRANGER }
}

/** Whether this caller has yet to say who it is. */
export function isStranger(caller: Caller): boolean {
  return caller.kind === 'external' && caller.principal === 'anonymous'
}

function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers[API_KEY_HEADER]
  if (typeof key === 'string') return key
  // The name of a scheme is the same in any letters (RFC 9110, section 11.1).
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

function operatorDoor(request: DoorRequest, parts: AccessParts): Identity {
  refuseStrangePages(request.headers, request.method ?? 'GET', parts.browser)
  const key = request.headers[OPERATOR_HEADER]
  if (typeof key !== 'string' || key === '') {
    throw new AuthError('UNAUTHORIZED', 'The operator key is needed', 'operator_key')
  }
  if (!parts.checkOperator(key))
    throw new AuthError('UNAUTHORIZED', 'The operator key does not hold', 'operator_key')
  return { caller: OPERATOR }
}
