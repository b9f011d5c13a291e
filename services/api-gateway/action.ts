import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import { elapsedMs } from './elapsed.ts'

export interface ActionRequest {
  readonly tool_name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly timeout_ms?: number
  readonly session_id?: string
  readonly approval_token?: string
}

export interface ActionData {
  readonly tool_name: string
  readonly status: string
  readonly result: unknown
  readonly side_effects: unknown
  readonly openclaw: { readonly status: string; readonly duration_ms: number }
}

interface Execution {
  readonly status: string
  readonly tool_name: string
  readonly result: unknown
  readonly side_effects: unknown
}

/** Time beyond the tool's own limit that openclaw has for policy, audit and clean-up. */
const OVERHEAD_MS = 3000

export interface ActionNeeds {
  readonly neighbours: Neighbours
  readonly clock: Clock
  readonly toolTimeoutMs: number
}

/** Hands a tool call and its principal to openclaw, which asks eva-os. Nothing is decided here. */
export async function act(
  action: ActionRequest,
  { neighbours, clock, toolTimeoutMs }: ActionNeeds,
  call: CallContext,
): Promise<ActionData> {
  const startedAtMs = clock.monotonicMs()
  const timeoutMs = action.timeout_ms ?? toolTimeoutMs
  const { body } = await neighbours.call<Execution>(
    'openclaw',
    {
      method: 'POST',
      path: '/execute',
      body: {
        ...action,
        timeout_ms: timeoutMs,
        principal: principalOf(call),
        correlation_id: call.correlationId,
      },
      timeoutMs: timeoutMs + OVERHEAD_MS,
    },
    call,
  )
  return {
    tool_name: body.tool_name,
    status: body.status,
    result: body.result,
    side_effects: body.side_effects,
    openclaw: { status: 'ok', duration_ms: elapsedMs(clock, startedAtMs) },
  }
}

/** The principal of routes that ask for no credential: health, metrics, the description of the API. */
export const NOBODY = 'anonymous'

/** Who is asking, as policy and approvals see it; a service that passes a call on asks for itself. */
export function principalOf({ caller }: CallContext): string {
  return caller.kind === 'service' ? `service:${caller.name}` : caller.principal
}

/** The approval that a refused call needs, or null where it was refused for another reason. */
export function approvalRequestIn(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.details?.['reason'] !== 'APPROVAL_REQUIRED') return null
  return error.details['approval_request'] ?? null
}
