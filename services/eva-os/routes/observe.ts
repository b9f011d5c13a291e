import { Type } from 'typebox'
import type { ServiceName } from '#catalog'
import type { SoniaApp } from '#chassis/define-service.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Probe, ProbeBoard } from '../probes/probe-board.ts'

export interface ObserveParts {
  readonly board: ProbeBoard
  readonly breakerOf: (name: ServiceName) => string
  readonly audit: AuditLog
  readonly status: () => Record<string, unknown>
}

const AuditQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
    before: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)

/** Looking without touching: neighbours, own state, and the audit (for people, since it names who did what). */
export function addObserveRoutes(app: SoniaApp, { board, breakerOf, audit, status }: ObserveParts): void {
  app.get('/health/all', { config: { auth: 'open' } }, async () => {
    const histories = [...(await board.look())]
    const services = histories.map(([name, history]) => ({
      name,
      breaker: breakerOf(name),
      ...seen(history),
    }))
    return { status: services.every((one) => one.status === 'OK') ? 'OK' : 'DEGRADED', services }
  })

  app.get('/status', { config: { auth: 'open' } }, () => status())

  app.get('/audit', { schema: { querystring: AuditQuery }, config: { auth: 'operator' } }, (request) => {
    const { limit, before } = request.query
    const entries = audit.list({ limit, ...(before === undefined ? {} : { before }) })
    return { entries, head: audit.head(), next_before: entries.at(-1)?.seq ?? null }
  })

  app.get('/audit/verify', { config: { auth: 'operator', priority: 'background' } }, () => audit.verify())
}

function seen(history: readonly Probe[]) {
  const last = history.at(-1)
  return {
    status: last?.status ?? 'DOWN',
    latency_ms: last?.latencyMs ?? null,
    problem: last?.problem ?? null,
    checked_at: last === undefined ? null : new Date(last.atMs).toISOString(),
    history: history.map(({ atMs, status, latencyMs }) => ({
      at: new Date(atMs).toISOString(),
      status,
      latency_ms: latencyMs,
    })),
  }
}
