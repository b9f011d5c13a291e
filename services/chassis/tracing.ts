import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from './call-context.ts'
import { ServiceError } from './errors.ts'
import { ROOT } from './linked-context.ts'

export const TRACER_NAME = 'sonia'

/** Runs `fn` inside a span below the work at hand; the span ends with it and says how it went. */
export async function withSpan<T>(
  name: string,
  attributes: Attributes,
  call: CallContext,
  fn: (span: Span) => Promise<T> | T,
): Promise<T> {
  const parent = trace.getSpan(context.active()) === undefined ? call.otel : context.active()
  const span = trace
    .getTracer(TRACER_NAME)
    .startSpan(name, { attributes: { ...attributes, 'sonia.correlation_id': call.correlationId } }, parent)
  try {
    return await context.with(trace.setSpan(parent, span), () => fn(span))
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** The code only: messages may hold what people wrote. */
export function markFailed(span: Span, error: unknown): void {
  const code = error instanceof ServiceError ? error.code : 'INTERNAL_ERROR'
  span.setAttribute('error.type', code)
  span.setStatus({ code: SpanStatusCode.ERROR, message: code })
}

export interface RemoteTrace {
  readonly parent: Context
  readonly links: Link[]
}

const NO_LINKS: Link[] = []
const NEW_ROOT: RemoteTrace = { parent: ROOT, links: NO_LINKS }

/**
 * Services continue the caller's trace. From anybody else trace headers are only noted: a new root with a link, so that
 * a stranger can neither join spans to a foreign trace nor decide about sampling, and baggage is dropped.
 */
export function remoteTrace(headers: IncomingHttpHeaders, trusted: boolean): RemoteTrace {
  if (headers['traceparent'] === undefined) return NEW_ROOT
  const remote = propagation.extract(ROOT, headers)
  if (trusted) return { parent: remote, links: NO_LINKS }
  const spanContext = trace.getSpanContext(remote)
  if (spanContext === undefined || !isSpanContextValid(spanContext)) return NEW_ROOT
  return { parent: ROOT, links: [{ context: { ...spanContext, traceFlags: 0 } }] }
}

/** CLIENT span of one call onward. */
export function startClientSpan(
  tracer: Tracer,
  name: string,
  attributes: Attributes,
  call: CallContext,
): Span {
  const active = context.active()
  const parent = trace.getSpan(active) === undefined ? call.otel : active
  return tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent)
}

/** Trace headers for a call made under `span`; baggage goes along where a service sent some. */
export function traceHeaders(span: Span, call: CallContext): Record<string, string> {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  if (traceState === undefined && propagation.getBaggage(call.otel) === undefined) {
    return traceId === NO_TRACE ? {} : { traceparent: `00-${traceId}-${spanId}-0${traceFlags}` }
  }
  const headers: Record<string, string> = {}
  propagation.inject(trace.setSpan(call.otel, span), headers)
  return headers
}

const NO_TRACE = '0'.repeat(32)
