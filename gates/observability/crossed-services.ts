import { CATALOG, SERVICE_NAMES, type ServiceName } from '#catalog'
import { CORRELATION_ATTRIBUTE, type TraceSpan } from '#ops/traces/otlp-file.ts'
import type { Edge } from './known-requests.ts'

const SERVER = 2
const CLIENT = 3

/** What one request left behind. */
export interface Traces {
  /** Ids of the traces in which its correlation id occurs. */
  readonly traceIds: readonly string[]
  /** Every span of those traces. */
  readonly spans: readonly TraceSpan[]
  /** Services in whose logs the id stands. */
  readonly logged: ReadonlySet<string>
}

/**
 * What is wrong with the traces of one request; nothing when its id stands in the logs of every service it crossed and
 * all of its spans are in one trace whose edges run from caller to callee.
 */
export function faultsOf(left: Traces, edges: readonly Edge[]): readonly string[] {
  const { traceIds, spans, logged } = left
  if (traceIds.length !== 1) return [`its id occurs in ${traceIds.length} traces`]
  const crossed = new Set(spans.map(({ service }) => service))
  for (const edge of edges) for (const service of edge.split(' -> ')) crossed.add(service)
  const unlogged = [...crossed].filter((service) => !logged.has(service))
  const unspanned = [...logged].filter((service) => !spans.some((span) => span.service === service))
  const found = edgesOf(spans)
  return [
    ...unlogged.map((service) => `no log line of ${service}`),
    ...unspanned.map((service) => `no span of ${service}`),
    ...edges.filter((edge) => !found.has(edge)).map((edge) => `no edge ${edge}`),
    ...[...found].filter((edge) => !ALLOWED.has(edge)).map((edge) => `strange edge ${edge}`),
    ...brokenSpans(spans),
  ]
}

const ALLOWED: ReadonlySet<string> = new Set(
  SERVICE_NAMES.flatMap((from) => CATALOG[from].mayCall.map((to) => `${from} -> ${to}`)),
)

/** A CLIENT span of one service above a SERVER span of another: the direction of the call. */
function edgesOf(spans: readonly TraceSpan[]): ReadonlySet<string> {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const edges = new Set<string>()
  for (const span of spans) {
    const parent = byId.get(span.parentSpanId ?? '')
    if (parent !== undefined && parent.service !== span.service)
      edges.add(`${parent.service} -> ${span.service}`)
  }
  return edges
}

/** Exactly one root, no parent that is missing, and services only joined by CLIENT above SERVER. */
function brokenSpans(spans: readonly TraceSpan[]): readonly string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const roots = spans.filter((span) => span.parentSpanId === undefined)
  const orphans = spans.filter((span) => span.parentSpanId !== undefined && !byId.has(span.parentSpanId))
  const badJoints = spans.filter((span) => {
    const parent = byId.get(span.parentSpanId ?? '')
    if (parent === undefined || parent.service === span.service) return false
    return parent.kind !== CLIENT || span.kind !== SERVER
  })
  return [
    ...(roots.length === 1 ? [] : [`${roots.length} root spans`]),
    ...orphans.map(({ service, name }) => `the parent of ${service} ${name} is missing`),
    ...badJoints.map(({ service, name }) => `${service} ${name} is no server span below a client span`),
  ]
}

/** Spans by trace, and the traces in which each correlation id occurs. */
export interface TraceIndex {
  readonly byTrace: ReadonlyMap<string, readonly TraceSpan[]>
  readonly byCorrelation: ReadonlyMap<string, ReadonlySet<string>>
}

export function indexSpans(spans: readonly TraceSpan[]): TraceIndex {
  const byTrace = new Map<string, TraceSpan[]>()
  const byCorrelation = new Map<string, Set<string>>()
  for (const span of spans) {
    byTrace.set(span.traceId, [...(byTrace.get(span.traceId) ?? []), span])
    const id = span.attributes[CORRELATION_ATTRIBUTE]
    if (id !== undefined) byCorrelation.set(id, (byCorrelation.get(id) ?? new Set()).add(span.traceId))
  }
  return { byTrace, byCorrelation }
}

/** The part of the index that belongs to one request. */
export function tracesOf(
  correlationId: string,
  index: TraceIndex,
  logged: ReadonlyMap<string, ReadonlySet<ServiceName>>,
): Traces {
  const traceIds = [...(index.byCorrelation.get(correlationId) ?? [])]
  return {
    traceIds,
    spans: traceIds.flatMap((traceId) => index.byTrace.get(traceId) ?? []),
    logged: logged.get(correlationId) ?? new Set(),
  }
}
