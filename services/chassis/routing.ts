import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { ServiceName } from '#catalog'
import { type AccessParts, createDoor } from './access.ts'
import { REQUEST_TIMEOUT_MS } from './deadline.ts'
import type { RouteConfig, SoniaApp } from './define-service.ts'
import type { DocumentedRoute } from './openapi.ts'
import type { RequestMetrics } from './request-metrics.ts'
import { createRouteLife, type LifeParts, type RouteLife, type RouteRule } from './route-life.ts'
import { QUIET_ROUTES } from './standard-routes.ts'

const PUBLIC_SERVICES = new Set<ServiceName>(['api-gateway', 'pipecat'])

/** Requests that no route took are counted under this name: their paths are the sender's invention. */
const UNMATCHED_ROUTE = 'unmatched'

export interface Routing {
  readonly unmatched: RouteLife
  readonly documented: readonly DocumentedRoute[]
  /** Every route registered from now on gets its life: door, deadline, span, metrics, log line. */
  attach(app: SoniaApp): void
}

export function createRouting(parts: {
  readonly life: LifeParts
  readonly access: AccessParts
  readonly metrics: RequestMetrics
  readonly logContent: boolean
}): Routing {
  const documented: DocumentedRoute[] = []
  const lifeOf = (
    method: string,
    route: string,
    config: RouteConfig & { websocket?: boolean },
  ): RouteLife => {
    const auth = config.auth ?? (PUBLIC_SERVICES.has(parts.life.service) ? 'public' : 'service')
    const quiet = QUIET_ROUTES.has(route)
    const upgrade = config.websocket ?? false
    // Probes would drown what people do, and a WebSocket never settles.
    const isCounted = !quiet && !upgrade
    const rule: RouteRule = {
      method,
      route,
      door: createDoor(
        { auth, ...(config.callers === undefined ? {} : { callers: config.callers }) },
        parts.access,
      ),
      priority: config.priority ?? 'normal',
      timeoutMs: config.timeoutMs ?? REQUEST_TIMEOUT_MS,
      uniqueKeys: config.uniqueKeys ?? false,
      quiet,
      upgrade,
      metrics: isCounted ? parts.metrics.route(route, method) : undefined,
    }
    return createRouteLife(rule, parts.life)
  }
  return {
    unmatched: lifeOf('ANY', UNMATCHED_ROUTE, { auth: 'open' }),
    documented,
    attach: (app) => {
      app.addHook('onRoute', (options) => {
        const { method, url } = options
        documented.push({ method, url, schema: options.schema })
        const { websocket } = options as RouteOptions & { websocket?: boolean }
        const life = lifeOf(asText(method), url, { ...options.config, websocket: websocket ?? false })
        options.onRequest = [life.open, ...asList(options.onRequest)]
        options.onResponse = [
          (request, _reply, done) => {
            life.close(request.exchange)
            done()
          },
          ...asList(options.onResponse),
        ]
        if (parts.logContent) options.onSend = [keepContent, ...asList(options.onSend)]
      })
    },
  }
}

/** Only with log_content: what was asked and answered goes to the log, redacted and bounded there. */
function keepContent(
  request: FastifyRequest,
  _reply: FastifyReply,
  payload: unknown,
  done: (error: null, payload: unknown) => void,
): void {
  request.exchange.content = {
    request: request.body ?? null,
    response: typeof payload === 'string' ? payload : null,
  }
  done(null, payload)
}

function asText(method: string | string[]): string {
  return Array.isArray(method) ? method.join(',') : method
}

function asList<T>(value: T | T[] | undefined): T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}
