import type { CallContext } from '#chassis/call-context.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours, NeighbourAnswer, NeighbourRequest } from '#chassis/neighbours.ts'
import { type TestOptions, type TestService, buildForTest } from '#chassis/testing.ts'
import { service } from './service.ts'

/** What openclaw asked eva-os, and the answers of a stand-in for it. The real one is met in tests/. */
export interface PolicyDouble {
  readonly neighbours: Neighbours
  readonly asked: NeighbourRequest[]
}

/** Approves what does not need a person, keeps no approvals; `answer` overrides. */
export function policyDouble(answer: (request: NeighbourRequest) => unknown = decide): PolicyDouble {
  const asked: NeighbourRequest[] = []
  return {
    asked,
    neighbours: {
      call: async <T>(
        _to: string,
        request: NeighbourRequest,
        _call: CallContext,
      ): Promise<NeighbourAnswer<T>> => {
        asked.push(request)
        return { status: 200, body: answer(request) as T, headers: {}, durationMs: 0 }
      },
      stream: () => Promise.reject(new Error('openclaw streams nothing')),
      state: () => ({ breaker: 'closed' }),
    },
  }
}

function decide(request: NeighbourRequest): unknown {
  if (request.path.endsWith('/redeem')) {
    throw new ServiceError('FORBIDDEN', 'There is no such approval', {
      details: { reason: 'APPROVAL_UNKNOWN' },
    })
  }
  const { envelope } = request.body as { envelope: { tier: string } }
  if (envelope.tier !== 'TIER_3_DESTRUCTIVE') return { status: 'approved', policy_version: 'test' }
  const approvalRequest = { token_id: 'apr_0123456789', action: 'run', summary: 'rm', ttl_seconds: 120 }
  return { status: 'approval_required', policy_version: 'test', approval_request: approvalRequest }
}

export interface Openclaw extends TestService {
  readonly policy: PolicyDouble
  execute(toolName: string, args: object, extra?: object): Promise<{ status: number; body: ExecuteAnswer }>
}

export interface ExecuteAnswer {
  readonly status?: string
  readonly result?: Readonly<Record<string, unknown>>
  readonly side_effects?: readonly object[]
  readonly error?: {
    readonly code: string
    readonly message: string
    readonly details?: { readonly reason?: string; readonly approval_request?: object }
  } | null
}

export async function buildOpenclaw(options: TestOptions = {}, policy = policyDouble()): Promise<Openclaw> {
  const built = await buildForTest(service, { neighbours: policy.neighbours, ...options })
  const headers = await built.headersFrom('api-gateway')
  return {
    ...built,
    policy,
    execute: async (toolName, args, extra = {}) => {
      const payload = { tool_name: toolName, args, ...extra }
      const response = await built.app.inject({ method: 'POST', url: '/execute', headers, payload })
      return { status: response.statusCode, body: response.json<ExecuteAnswer>() }
    },
  }
}
