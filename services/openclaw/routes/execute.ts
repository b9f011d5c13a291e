import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import type { Executor } from '../execution/execute.ts'

const TIMEOUT_MS_MAX = 25_000

const Body = Type.Object(
  {
    tool_name: Type.String({ minLength: 1, maxLength: 64 }),
    args: Type.Object({}, { additionalProperties: true }),
    timeout_ms: Type.Integer({ minimum: 1, maximum: TIMEOUT_MS_MAX, default: 5_000 }),
    approval_token: Type.Optional(Type.String({ maxLength: 512 })),
    correlation_id: Type.Optional(Type.String({ maxLength: 64 })),
    principal: Type.Optional(Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_.:@-]+$' })),
    session_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' })),
    cwd: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  },
  { additionalProperties: false },
)

const Answer = Type.Object({
  status: Type.Union([Type.Literal('executed'), Type.Literal('error'), Type.Literal('timeout')]),
  tool_name: Type.String(),
  result: Type.Record(Type.String(), Type.Unknown()),
  side_effects: Type.Array(Type.Object({ type: Type.String(), target: Type.String() })),
  duration_ms: Type.Number(),
  correlation_id: Type.String(),
})

const BODY_BYTES_MAX = 11 * 1024 * 1024

export function addExecuteRoute(app: SoniaApp, execute: Executor): void {
  app.post(
    '/execute',
    {
      schema: { body: Body, response: { 200: Answer } },
      config: { uniqueKeys: true },
      // A file of 10 MiB, and the JSON around it.
      bodyLimit: BODY_BYTES_MAX,
    },
    async (request) => {
      const { body, call } = request
      const caller = call.caller.kind === 'service' ? `service:${call.caller.name}` : call.caller.principal
      const execution = await execute(
        {
          toolName: body.tool_name,
          args: { ...body.args },
          timeoutMs: body.timeout_ms,
          approvalToken: body.approval_token ?? null,
          principal: body.principal ?? caller,
          sessionId: body.session_id ?? null,
          cwd: body.cwd ?? null,
        },
        call,
      )
      return {
        status: execution.status,
        tool_name: body.tool_name,
        result: { ...execution.result },
        side_effects: [...execution.sideEffects],
        duration_ms: execution.durationMs,
        correlation_id: call.correlationId,
      }
    },
  )
}
