import type { FastifyRequest } from 'fastify'
import type { ErrorCode, ServiceError } from './errors.ts'

export interface Envelope<T> {
  readonly ok: boolean
  readonly service: string
  readonly operation: string
  readonly correlation_id: string
  readonly duration_ms: number
  readonly data: T | null
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly details?: object } | null
  readonly warning?: Warning
}

export interface Warning {
  readonly code: 'DEGRADED'
  readonly message: string
}

/** Where an envelope comes from; the request knows all of it. */
export interface Origin {
  readonly service: string
  readonly operation: string
  readonly correlationId: string
  readonly durationMs: number
}

/** A success of api-gateway or pipecat. A warning marks it DEGRADED in the body, the Warning header and the metrics. */
export function ok<T>(request: FastifyRequest, data: T, warning?: Warning): Envelope<T> {
  const { exchange } = request
  if (warning !== undefined) exchange.degrade(warning.message)
  return {
    ok: true,
    ...head(exchange.origin()),
    data,
    error: null,
    ...(warning === undefined ? {} : { warning }),
  }
}

/** Every error of every service, whoever raised it. */
export function failure(origin: Origin, error: ServiceError): Envelope<never> {
  const { code, message, details } = error
  return {
    ok: false,
    ...head(origin),
    data: null,
    error: details === undefined ? { code, message } : { code, message, details },
  }
}

function head(origin: Origin) {
  return {
    service: origin.service,
    operation: origin.operation,
    correlation_id: origin.correlationId,
    duration_ms: roundMs(origin.durationMs),
  }
}

/** Durations are reported to the microsecond: more is noise. */
function roundMs(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000
}
