import { context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { ServiceName } from '#catalog'
import type { Door, Identity } from './access.ts'
import { Call, type Caller } from './call-context.ts'
import type { Clock } from './clock.ts'
import { requestBudgetMs } from './deadline.ts'
import type { RouteConfig } from './define-service.ts'
import { codeForStatus, type ResultCode, ServiceError } from './errors.ts'
import { Exchange } from './exchange.ts'
import { refuseSecondHost } from './host-header.ts'
import type { InFlight } from './in-flight.ts'
import type { AccessLog } from './logging.ts'
import { CLIENT_ABORTED } from './metric-registry.ts'
import type { RouteMetrics } from './request-metrics.ts'
import { remoteTrace } from './tracing.ts'

const URL_CHARS_MAX = 8192
const INVALID_SPAN = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }

/** What all routes of a service share. */
export interface LifeParts {
  readonly service: ServiceName
  readonly clock: Clock
  readonly tracer: Tracer
  readonly accessLog: AccessLog
  readonly inFlight: InFlight
  /** Refuses work of a priority while the event loop is late. */
  readonly shed: (priority: NonNullable<RouteConfig['priority']>) => ServiceError | undefined
}

export interface RouteRule {
  readonly method: string
  /** The template, never the path. */
  readonly route: string
  readonly door: Door
  readonly priority: NonNullable<RouteConfig['priority']>
  readonly timeoutMs: number
  readonly uniqueKeys: boolean
  /** Probes and scrapes: no span, no request metrics, logged only while debugging. */
  readonly quiet: boolean
  /** The answer is a WebSocket: it has no end that request metrics could wait for. */
  readonly upgrade: boolean
  /** Absent for probes and WebSockets, which are in no request metric. */
  readonly metrics: RouteMetrics | undefined
}

/** The life of the requests of one route: opened in onRequest, closed when the answer is out or the client gone. */
export interface RouteLife {
  readonly service: ServiceName
  readonly operation: string
  readonly uniqueKeys: boolean
  readonly open: (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void
  readonly close: (exchange: Exchange) => void
}

export function createRouteLife(rule: RouteRule, parts: LifeParts): RouteLife {
  const operation = `${rule.method} ${rule.route}`
  const { clock } = parts
  const writeLine = parts.accessLog.forOperation(operation)
  const startSpan = createServerSpans(rule, parts.tracer)
  const closing = { ...parts, writeLine }
  const life: RouteLife = {
    service: parts.service,
    operation,
    uniqueKeys: rule.uniqueKeys,
    open(request, reply, done) {
      const startedAtMs = clock.monotonicMs()
      const identity = rule.door(request.raw)
      if (identity instanceof Promise) {
        void identity.then((resolved) => begin({ request, reply, startedAtMs, identity: resolved }, done))
      } else begin({ request, reply, startedAtMs, identity }, done)
    },
    close: (exchange) => closeExchange(exchange, rule, closing),
  }

  const begin = (arrival: Arrival, done: HookHandlerDoneFunction) => {
    const { request, reply, startedAtMs, identity } = arrival
    const budget = budgetOf(request, rule)
    const call = openCall(arrival, budget.ms)
    const exchange = new Exchange(life, reply, call, () => clock.monotonicMs() - startedAtMs)
    request.call = call
    request.exchange = exchange
    reply.header('x-correlation-id', call.correlationId)
    if (rule.metrics !== undefined) {
      parts.inFlight.add(exchange)
      rule.metrics.started(callerLabel(identity.caller))
    }
    const malformed = refuseSecondHost(request.raw.rawHeaders)
    const refusal =
      malformed ?? identity.refusal ?? budget.refusal ?? parts.shed(priorityOf(identity.caller, rule))
    context.with(call.otel, done, undefined, refusal)
  }

  const openCall = (arrival: Arrival, budgetMs: number): Call => {
    const { request, reply, startedAtMs, identity } = arrival
    const remote = remoteTrace(request.raw.headers, identity.caller.kind === 'service')
    const span = rule.quiet ? trace.wrapSpanContext(INVALID_SPAN) : startSpan(request, remote)
    const call = new Call(
      {
        correlationId: request.id,
        startedAtMs,
        deadlineAtMs: startedAtMs + budgetMs,
        caller: identity.caller,
        span,
        otel: trace.setSpan(remote.parent, span),
      },
      () => watchClient(call, request, reply, rule.upgrade),
    )
    // The socket outlives this span: messages get spans of their own, linked to it.
    if (rule.upgrade) span.end()
    return call
  }
  return life
}

type StartServerSpan = (request: FastifyRequest, remote: ReturnType<typeof remoteTrace>) => Span

function createServerSpans(rule: RouteRule, tracer: Tracer): StartServerSpan {
  const name = rule.upgrade ? 'session.start' : `${rule.method} ${rule.route}`
  // Frozen: the tracer puts them into text once.
  const attributes = Object.freeze({ 'http.request.method': rule.method, 'http.route': rule.route })
  return (request, { parent, links }) => {
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, links, attributes }, parent)
    span.setAttribute('url.path', pathOf(request.raw.url ?? '/'))
    span.setAttribute('sonia.correlation_id', request.id)
    return span
  }
}

interface Arrival {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly startedAtMs: number
  readonly identity: Identity
}

function budgetOf(request: FastifyRequest, rule: RouteRule): { ms: number; refusal?: ServiceError } {
  if ((request.raw.url?.length ?? 0) > URL_CHARS_MAX) {
    return { ms: rule.timeoutMs, refusal: new ServiceError('TOO_LARGE', 'The URL is too long') }
  }
  if (rule.upgrade) return { ms: Number.POSITIVE_INFINITY }
  try {
    return { ms: requestBudgetMs(request.raw.headers['x-deadline-ms'], rule.timeoutMs) }
  } catch (error) {
    return { ms: rule.timeoutMs, refusal: error as ServiceError }
  }
}

function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/** Somebody is listening: what voice asks others for is refused as late as voice itself. */
function priorityOf(caller: Caller, rule: RouteRule): RouteRule['priority'] {
  return caller.kind === 'service' && caller.name === 'pipecat' ? 'high' : rule.priority
}

function callerLabel(caller: Caller): string {
  return caller.kind === 'service' ? caller.name : 'external'
}

/** Attached only when the signal is used: most requests are over before their client could leave. */
function watchClient(call: Call, request: FastifyRequest, reply: FastifyReply, upgrade: boolean): void {
  const gone = () => {
    if (upgrade || !reply.raw.writableFinished)
      call.abort(new ServiceError('UNAVAILABLE', 'The client is gone'))
  }
  if (upgrade) request.raw.socket.once('close', gone)
  else if (reply.raw.closed) gone()
  else reply.raw.once('close', gone)
}

interface Closing extends LifeParts {
  readonly writeLine: ReturnType<AccessLog['forOperation']>
}

function closeExchange(exchange: Exchange, rule: RouteRule, parts: Closing): void {
  if (exchange.finished) return
  exchange.finished = true
  parts.inFlight.delete(exchange)
  const { call, reply } = exchange
  const aborted = reply.raw.destroyed && !reply.raw.writableFinished
  if (aborted) call.abort(new ServiceError('UNAVAILABLE', 'The client is gone'))
  const code =
    aborted && exchange.code !== 'TIMEOUT'
      ? CLIENT_ABORTED
      : (exchange.code ?? codeForStatus(reply.statusCode))
  const durationMs = parts.clock.monotonicMs() - call.startedAtMs
  const spanContext = call.span.spanContext()
  rule.metrics?.finished({
    caller: callerLabel(call.caller),
    code,
    durationMs,
    traceId: spanContext.traceId,
    spanId: spanContext.spanId,
    sampled: (spanContext.traceFlags & 1) === 1,
    nowMs: parts.clock.nowMs(),
  })
  endServerSpan(call.span, reply.statusCode, code)
  parts.writeLine(levelOf(code, rule.quiet), {
    correlation_id: call.correlationId,
    duration_ms: durationMs,
    status_code: reply.statusCode,
    code,
    error: exchange.error,
    request_bytes: Number(reply.request.raw.headers['content-length'] ?? 0),
    content: exchange.content,
    trace_id: spanContext.traceId,
    span_id: spanContext.spanId,
  })
}

function endServerSpan(span: Span, status: number, code: ResultCode | typeof CLIENT_ABORTED): void {
  if (!span.isRecording()) return
  span.setAttribute('http.response.status_code', status)
  if (status >= 500 || code === CLIENT_ABORTED) {
    span.setAttribute('error.type', code)
    span.setStatus({ code: SpanStatusCode.ERROR, message: code })
  }
  span.end()
}

function levelOf(code: string, quiet: boolean): 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  if (code === 'INTERNAL_ERROR') return 'ERROR'
  if (code === 'UNAVAILABLE' || code === 'TIMEOUT') return 'WARN'
  return quiet ? 'DEBUG' : 'INFO'
}
