import { CATALOG, portAt, type ServiceName } from '#catalog'
import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ok } from '#chassis/envelope.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import { elapsedMs } from '../elapsed.ts'

const PROBE_TIMEOUT_MS = 1000

export interface DepsNeeds {
  readonly neighbours: Neighbours
  readonly clock: Clock
  readonly portBase: number
}

/** GET /v1/deps: each neighbour as this gateway sees it now. */
export function registerDeps(app: SoniaApp, needs: DepsNeeds): void {
  const names = CATALOG['api-gateway'].mayCall
  app.get('/v1/deps', { config: { priority: 'background' } }, async (request) => {
    const states = await Promise.all(names.map((name) => probe(name, needs, request.call)))
    return ok(request, {
      dependencies: Object.fromEntries(names.map((name, index) => [name, states[index]])),
    })
  })
}

async function probe(name: ServiceName, { neighbours, clock, portBase }: DepsNeeds, call: CallContext) {
  const startedAtMs = clock.monotonicMs()
  const status = await statusOf(name, neighbours, call)
  return {
    status,
    port: portAt(CATALOG[name].port, portBase),
    latency_ms: elapsedMs(clock, startedAtMs),
    breaker: neighbours.state(name).breaker,
  }
}

async function statusOf(name: ServiceName, neighbours: Neighbours, call: CallContext): Promise<string> {
  try {
    const answer = await neighbours.call<{ status: string }>(
      name,
      { method: 'GET', path: '/healthz', timeoutMs: PROBE_TIMEOUT_MS, idempotent: true },
      call,
    )
    return answer.body.status
  } catch (error) {
    if (error instanceof ServiceError) return error.code
    throw error
  }
}
