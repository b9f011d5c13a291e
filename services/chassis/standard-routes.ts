import type { ServiceName } from '#catalog'
import type { Clock } from './clock.ts'
import type { SharedSettings } from './config.ts'
import type { SoniaApp } from './define-service.ts'
import type { HealthState } from './health.ts'
import { OPENMETRICS_TYPE } from './open-metrics.ts'

/** Routes that are not counted: probes would drown what people do. */
export const QUIET_ROUTES = new Set(['/healthz', '/readyz', '/metrics'])

export interface StandardParts {
  readonly app: SoniaApp
  readonly name: ServiceName
  readonly settings: SharedSettings
  readonly health: HealthState
  readonly clock: Clock
  readonly startedAtMs: number
  readonly scrape: () => Promise<string>
  readonly openApi: () => Promise<unknown>
}

const OPEN = { config: { auth: 'open', priority: 'high' } } as const

/** What every service answers besides its own routes. A service may bring a page of its own for `/`. */
export function addStandardRoutes(parts: StandardParts): void {
  const { app, name, settings, health, clock } = parts
  app.get('/healthz', OPEN, () => ({
    ok: true,
    service: name,
    version: settings.version,
    run_id: settings.runId,
    status: health.status(),
    uptime_seconds: Math.round(clock.monotonicMs() - parts.startedAtMs) / 1000,
    timestamp: new Date(clock.nowMs()).toISOString(),
  }))
  app.get('/readyz', OPEN, async () => {
    await health.assertReady()
    return { ok: true, service: name, version: settings.version, run_id: settings.runId, status: 'READY' }
  })
  app.get('/metrics', OPEN, async (_request, reply) =>
    reply.type(OPENMETRICS_TYPE).send(await parts.scrape()),
  )
  app.get('/openapi.json', OPEN, () => parts.openApi())
  if (!app.hasRoute({ method: 'GET', url: '/' })) {
    app.get('/', OPEN, () => ({ service: name, version: settings.version }))
  }
}
