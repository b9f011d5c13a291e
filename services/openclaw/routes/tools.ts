import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import type { AnyTool } from '../execution/execute.ts'
import { refusal } from '../refusal.ts'

export function addToolRoutes(app: SoniaApp, tools: ReadonlyMap<string, AnyTool>): void {
  app.get('/tools', { schema: {} }, async () => ({
    tools: [...tools.values()].map(summary),
    count: tools.size,
  }))

  app.get(
    '/tools/:name',
    { schema: { params: Type.Object({ name: Type.String({ maxLength: 64 }) }) } },
    async (request) => {
      const tool = tools.get(request.params.name)
      if (tool === undefined) throw refusal('UNKNOWN_TOOL', 'There is no such tool.')
      return { ...summary(tool), schema: tool.schema, limits: tool.limits, ...tool.describe?.() }
    },
  )
}

function summary({ name, summary: text, tiers, unavailable }: AnyTool) {
  return {
    name,
    summary: text,
    tier: tiers[0],
    tiers,
    available: unavailable === null,
    unavailable_reason: unavailable,
  }
}
