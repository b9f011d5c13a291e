import { randomUUID } from 'node:crypto'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { ERROR_CODES, type ErrorCode } from '#chassis/errors.ts'
import {
  askService,
  type ServiceAnswer,
  type ServiceRequest,
  serviceToken,
  type StackAddress,
} from '../runners/service-access.ts'
import { type DatabaseFault, withDatabaseFault } from './database-faults.ts'

/** A request that must be answered with one code. */
export interface ErrorCase {
  readonly service: ServiceName
  readonly code: ErrorCode
  readonly request: ServiceRequest
  /** Whose token goes with it; null sends none. */
  readonly as: ServiceName | null
  /** Answered as usual, and what makes the second one a conflict. */
  readonly before?: ServiceRequest
  /** So often it may be sent until a limit is reached. */
  readonly attempts?: number
  readonly fault?: DatabaseFault
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

/** An action under a key that stands for one action only. */
const keyed = (command: string): ServiceRequest => ({
  path: '/v1/action',
  body: { tool_name: 'shell.run', args: { command }, idempotency_key: 'observed' },
})

/** More than the requests for approval that eva-os takes in one burst. */
const ATTEMPTS = 60

/**
 * Codes that any request can force on every service, those that single services add, and those that need a fault: a
 * database that another program holds (nothing can be stored, a chat is answered all the same) or has changed.
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
  { service: 'api-gateway', code: 'CONFLICT', before: keyed('ls'), request: keyed('ls -l'), as: null },
  {
    service: 'api-gateway',
    code: 'RATE_LIMITED',
    request: { path: '/v1/action', body: { tool_name: 'shell.run', args: { command: 'rm observed.txt' } } },
    as: null,
    attempts: ATTEMPTS,
  },
  {
    service: 'memory-engine',
    code: 'UNAVAILABLE',
    request: { path: '/store', body: { type: 'fact', content: 'never stored' } },
    as: 'api-gateway',
    fault: 'locked',
  },
  {
    service: 'api-gateway',
    code: 'DEGRADED',
    request: { path: '/v1/chat', body: { message: 'Do you remember?' }, timeoutMs: 30_000 },
    as: null,
    fault: 'locked',
  },
  {
    service: 'memory-engine',
    code: 'INTERNAL_ERROR',
    request: { path: '/query/by-type/fact' },
    as: 'api-gateway',
    fault: 'table-gone',
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
    const force = () => isForced(address, entry, correlationId)
    const { fault } = entry
    const forcing = fault === undefined ? force() : withDatabaseFault(fault, address.home, force)
    forced.push({ case: entry, correlationId, isAnswered: await forcing.catch(() => false) })
  }
  return forced
}

async function isForced(address: StackAddress, entry: ErrorCase, correlationId: string): Promise<boolean> {
  const { service, as, before, attempts = 1 } = entry
  const token = as === null ? {} : { 'x-service-token': await serviceToken(address, as, service) }
  const ask = (request: ServiceRequest) =>
    askService(address, service, {
      ...request,
      headers: { 'x-correlation-id': correlationId, ...token, ...request.headers },
    })
  if (before !== undefined) await ask(before)
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (isExpected(await ask(entry.request), entry.code, correlationId)) return true
  }
  return false
}

interface AnswerBody {
  readonly ok?: unknown
  readonly correlation_id?: unknown
  readonly error?: { readonly code?: unknown } | null
  readonly warning?: { readonly code?: unknown } | null
}

function isExpected(
  { status, body, headers }: ServiceAnswer,
  code: ErrorCode,
  correlationId: string,
): boolean {
  const answer = body as AnswerBody | null
  if (answer?.correlation_id !== correlationId) return false
  if (code === 'DEGRADED') return isDegraded(answer, status) && headers.has('warning')
  const isStatus = status === ERROR_CODES[code] || (code === 'INVALID_ARGUMENT' && status === 422)
  return isStatus && answer.ok === false && answer.error?.code === code
}

/** An answer all the same, with a warning. */
function isDegraded({ ok, warning }: AnswerBody, status: number): boolean {
  return status === ERROR_CODES.DEGRADED && ok === true && warning?.code === 'DEGRADED'
}

/** Short and different in every run. */
export function newMark(): string {
  return randomUUID().slice(0, 8)
}
