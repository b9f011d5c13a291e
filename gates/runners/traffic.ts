import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { askService, type ServiceRequest, serviceToken, type StackAddress } from './service-access.ts'

/** One real request per service: what a caller of that service asks, and what the answer must hold. */
interface TrafficRequest {
  readonly request: ServiceRequest
  readonly isRight: (body: Readonly<Record<string, unknown>>) => boolean
}

const TRAFFIC: Readonly<Record<ServiceName, TrafficRequest>> = {
  'api-gateway': {
    request: { path: '/v1/chat', body: { message: 'Is everything in order?' } },
    isRight: (body) =>
      body['ok'] === true && isObject(body['data']) && typeof body['data']['response'] === 'string',
  },
  'model-router': {
    request: { path: '/v1/models' },
    isRight: (body) => Array.isArray(body['data']) && body['data'].length > 0,
  },
  'memory-engine': {
    request: { path: '/search', body: { query: 'order' } },
    isRight: (body) => Array.isArray(body['results']),
  },
  pipecat: {
    request: { path: '/session/start', body: { user_id: 'go-no-go' } },
    isRight: (body) => body['ok'] === true && isObject(body['data']) && body['data']['state'] === 'ACTIVE',
  },
  openclaw: {
    request: { path: '/tools' },
    isRight: (body) => JSON.stringify(body).includes('file.read'),
  },
  'eva-os': {
    request: { path: '/status' },
    isRight: (body) => Object.keys(body).length > 0,
  },
}

/** Services that answer people; the others want a service token. */
const PUBLIC: ReadonlySet<ServiceName> = new Set(['api-gateway', 'pipecat'])

/** Sends each service its request and reports whether the answer was right. */
export async function sendTraffic(
  address: StackAddress,
  report: (service: ServiceName, isRight: boolean) => void,
): Promise<void> {
  for (const service of SERVICE_NAMES) report(service, await isAnsweredRight(address, service))
}

async function isAnsweredRight(address: StackAddress, service: ServiceName): Promise<boolean> {
  const { request, isRight } = TRAFFIC[service]
  try {
    const headers = PUBLIC.has(service) ? {} : await tokenHeader(address, service)
    const answer = await askService(address, service, { ...request, headers })
    return answer.status === 200 && isObject(answer.body) && isRight(answer.body)
  } catch {
    return false
  }
}

/** eva-os takes its operator routes from anybody with a token of its own. */
async function tokenHeader(address: StackAddress, service: ServiceName): Promise<Record<string, string>> {
  return { 'x-service-token': await serviceToken(address, 'api-gateway', service) }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object'
}
