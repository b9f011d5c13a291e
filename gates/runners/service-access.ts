import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CATALOG, portAt, type ServiceName } from '#catalog'

/** Where a stack is reached, and where its secrets are. */
export interface StackAddress {
  readonly home: string
  readonly portBase: number
}

export interface ServiceRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface ServiceAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

const TIMEOUT_MS = 10_000

export function serviceUrl({ portBase }: Pick<StackAddress, 'portBase'>, service: ServiceName): string {
  return `http://127.0.0.1:${portAt(CATALOG[service].port, portBase)}`
}

/** One request from outside, as any client would send it. */
export async function askService(
  address: Pick<StackAddress, 'portBase'>,
  service: ServiceName,
  request: ServiceRequest,
): Promise<ServiceAnswer> {
  const timeout = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS)
  const hasBody = request.body !== undefined
  const response = await fetch(`${serviceUrl(address, service)}${request.path}`, {
    method: request.method ?? (hasBody ? 'POST' : 'GET'),
    headers: { ...(hasBody ? { 'content-type': 'application/json' } : {}), ...request.headers },
    ...(hasBody ? { body: JSON.stringify(request.body) } : {}),
    signal: request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A service token, asked from eva-os the way `as` asks for it: with its bootstrap secret of this start. */
export async function serviceToken(
  address: StackAddress,
  as: ServiceName,
  audience: ServiceName,
): Promise<string> {
  const secret = await readFile(join(address.home, 'run', 'secrets', as), 'utf8')
  const answer = await askService(address, 'eva-os', {
    path: '/v1/tokens',
    body: { audience },
    headers: { 'x-service-name': as, 'x-bootstrap-secret': secret.trim() },
  })
  const { token } = answer.body as { token?: unknown }
  if (answer.status !== 200 || typeof token !== 'string')
    throw new Error(`eva-os gave no token: ${answer.status}`)
  return token
}
