import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { type AuditLog, RECENT_LINES_MAX } from '../execution/audit-log.ts'

const Query = Type.Object({ limit: Type.Integer({ minimum: 1, maximum: RECENT_LINES_MAX, default: 100 }) })

export function addExecutionLogRoute(app: SoniaApp, audit: AuditLog): void {
  app.get('/logs/execution', { schema: { querystring: Query } }, async (request) => {
    const entries = audit.recent(request.query.limit)
    return { entries, count: entries.length }
  })
}
