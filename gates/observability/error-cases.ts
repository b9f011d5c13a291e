import { randomUUID } from 'node:crypto'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { ERROR_CODES, type ErrorCode } from '#chassis/errors.ts'
import {
  askService,
  type ServiceRequest,
  serviceToken,
  type StackAddress,
} from '../runners/service-access.ts'

/** A request that must be refused with one code. */
export interface ErrorCase {
  readonly service: ServiceName
  readonly code: ErrorCode
  readonly request: ServiceRequest
  /** Whose token goes with it; null sends none. */
  readonly as: ServiceName | null
}

/** A route of each service that takes a body. */
const BODY_ROUTES: Readonly<Record<ServiceName, string>> = {
  'api-gateway': '/v1/chat',
  'model-router': '/v1/chat/completions',
  'memory-engine': '/search',
  pipecat: '/session/start',
  openclaw: '/execute',
  'eva-os': '/gate-tool-call',
}

/** Who may call it: api-gateway calls everybody, pipecat calls api-gateway. */
const callerOf = (service: ServiceName): ServiceName =>
  service === 'api-gateway' ? 'pipecat' : 'api-gateway'

const URL_TOO_LONG = `/${'x'.repeat(9_000)}`
const FORGED_TOKEN = 'eyJhbGciOiJub25lIn0.e30.'

/**
 * Codes that any request can force on every service, and those that single services add. INTERNAL_ERROR has no case: a
 * service without a fault gives none. UNAVAILABLE and DEGRADED need a neighbour that is gone, see the outage case.
 */
export const ERROR_CASES: readonly ErrorCase[] = [
  ...SERVICE_NAMES.flatMap(casesOfEvery),
  {
    service: 'eva-os',
    code: 'FORBIDDEN',
    request: { path: '/approvals/apr_0000000000000000/redeem', body: {} },
    // Only openclaw may redeem.
    as: 'api-gateway',
  },
  {
    service: 'api-gateway',
    code: 'FORBIDDEN',
    request: { path: '/v1/action', body: { tool_name: 'shell.run', args: { command: 'shutdown now' } } },
    as: null,
  },
]

function casesOfEvery(service: ServiceName): readonly ErrorCase[] {
  const path = BODY_ROUTES[service]
  const as = callerOf(service)
  return [
    { service, code: 'INVALID_ARGUMENT', request: { path, body: ['no object'] }, as },
    {
      service,
      code: 'UNAUTHORIZED',
      request: { path, body: {}, headers: { 'x-service-token': FORGED_TOKEN } },
      as: null,
    },
    { service, code: 'NOT_FOUND', request: { path: '/no/such/route' }, as },
    { service, code: 'TIMEOUT', request: { path, body: {}, headers: { 'x-deadline-ms': '0' } }, as },
    { service, code: 'TOO_LARGE', request: { path: `${path}?${URL_TOO_LONG}`, body: {} }, as },
  ]
}

/** A case as it went: what the caller was told. */
export interface ForcedError {
  readonly case: ErrorCase
  readonly correlationId: string
  readonly isAnswered: boolean
}

/** Sends every case under an id of its own and compares status, envelope and ids of the answer. */
export async function forceErrors(address: StackAddress, mark: string): Promise<readonly ForcedError[]> {
  const forced: ForcedError[] = []
  for (const [index, entry] of ERROR_CASES.entries()) {
    const correlationId = `err_${mark}_${index}`
    forced.push({
      case: entry,
      correlationId,
      isAnswered: await isRefused(address, entry, correlationId).catch(() => false),
    })
  }
  return forced
}

interface Refusal {
  readonly ok?: unknown
  readonly correlation_id?: unknown
  readonly error?: { readonly code?: unknown }
}

async function isRefused(address: StackAddress, entry: ErrorCase, correlationId: string): Promise<boolean> {
  const { service, code, request, as } = entry
  const token = as === null ? {} : { 'x-service-token': await serviceToken(address, as, service) }
  const headers = { 'x-correlation-id': correlationId, ...token, ...request.headers }
  const { status, body } = await askService(address, service, { ...request, headers })
  const isStatus = status === ERROR_CODES[code] || (code === 'INVALID_ARGUMENT' && status === 422)
  const refusal = body as Refusal | null
  return (
    isStatus &&
    refusal?.ok === false &&
    refusal.correlation_id === correlationId &&
    refusal.error?.code === code
  )
}

/** Short and different in every run. */
export function newMark(): string {
  return randomUUID().slice(0, 8)
}
