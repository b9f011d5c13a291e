import type { ServiceName } from '#catalog'
import type { CallContext, NewCall } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import type { Probe, ProbeStatus } from './probe-board.ts'

const PROBE_TIMEOUT_MS = 1_000

/** Asks a service over HTTP whether it is well. A service that cannot say so is DOWN. */
export async function probeService(
  name: ServiceName,
  parts: {
    readonly neighbours: Neighbours
    readonly clock: Clock
    readonly startCall: (settings: NewCall) => CallContext
  },
): Promise<Probe> {
  const { neighbours, clock } = parts
  const startedMs = clock.monotonicMs()
  const found = (status: ProbeStatus, problem: string | null): Probe => ({
    atMs: clock.nowMs(),
    status,
    latencyMs: Math.round((clock.monotonicMs() - startedMs) * 1000) / 1000,
    problem,
  })
  try {
    const { body } = await neighbours.call<{ status?: unknown } | null>(
      name,
      // Once: a probe that needed a second try is a finding, not a success.
      { method: 'GET', path: '/healthz', timeoutMs: PROBE_TIMEOUT_MS, idempotent: false },
      parts.startCall({ timeoutMs: PROBE_TIMEOUT_MS }),
    )
    return found(body?.status === 'OK' ? 'OK' : 'DEGRADED', null)
  } catch (error) {
    return found('DOWN', error instanceof ServiceError ? error.code : 'INTERNAL_ERROR')
  }
}
