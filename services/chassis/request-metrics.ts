import type { Clock } from './clock.ts'
import { type CollectedMetric, type CollectedValue, definitionOf, type ServiceMetrics } from './metrics.ts'

/** Counts of one route, kept as plain numbers: the hot path adds, the scrape reads. */
export interface RouteMetrics {
  started(caller: string): void
  finished(result: RequestResult): void
}

interface RequestResult {
  readonly caller: string
  readonly code: string
  readonly durationMs: number
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
  readonly nowMs: number
}

interface Flow {
  started: number
  finished: number
}

interface Exemplar {
  labelSet: Record<string, string>
  value: number
  timestamp: number
}

/** Buckets of one label set. */
interface Distribution {
  readonly labels: Readonly<Record<string, string>>
  readonly counts: Float64Array
  readonly exemplars: (Exemplar | undefined)[]
  sum: number
  count: number
}

export interface RequestMetrics {
  route(route: string, method: string): RouteMetrics
}

/** The request metrics of a service; `oldestStartMs` answers for the requests in flight. */
export function createRequestMetrics(
  metrics: ServiceMetrics,
  clock: Clock,
  oldestStartMs: () => number | undefined,
): RequestMetrics {
  const flows = new Map<string, Map<string, Flow>>()
  const distributions: Distribution[] = []
  const bounds = definitionOf('sonia_http_request_duration_seconds').buckets ?? []
  const flowValues = (read: (flow: Flow) => number): CollectedValue[] =>
    [...flows].flatMap(([route, callers]) =>
      [...callers].map(([caller, flow]) => ({ labels: { route, caller }, value: read(flow) })),
    )
  const ageSeconds = () => {
    const startMs = oldestStartMs()
    return startMs === undefined ? 0 : Math.max(0, (clock.monotonicMs() - startMs) / 1000)
  }
  metrics.register(collected('sonia_http_requests_started_total', () => flowValues((flow) => flow.started)))
  metrics.register(collected('sonia_http_requests_finished_total', () => flowValues((flow) => flow.finished)))
  metrics.register(
    collected('sonia_http_requests_in_flight', () => flowValues((flow) => flow.started - flow.finished)),
  )
  metrics.register(
    collected('sonia_http_oldest_in_flight_seconds', () => [{ labels: {}, value: ageSeconds() }]),
  )
  metrics.register(
    collected('sonia_http_request_duration_seconds', () =>
      distributions.flatMap((one) => bucketValues(one, bounds)),
    ),
  )
  return {
    route: (route, method) => routeMetrics({ route, method, bounds, distributions }, callersOf(flows, route)),
  }
}

function callersOf(flows: Map<string, Map<string, Flow>>, route: string): Map<string, Flow> {
  const callers = flows.get(route) ?? new Map<string, Flow>()
  flows.set(route, callers)
  return callers
}

interface RouteParts {
  readonly route: string
  readonly method: string
  readonly bounds: readonly number[]
  readonly distributions: Distribution[]
}

function routeMetrics(parts: RouteParts, callers: Map<string, Flow>): RouteMetrics {
  const byCode = new Map<string, Distribution>()
  const flowOf = (caller: string): Flow => {
    const flow = callers.get(caller) ?? { started: 0, finished: 0 }
    callers.set(caller, flow)
    return flow
  }
  const distributionOf = (code: string): Distribution => {
    let distribution = byCode.get(code)
    if (distribution === undefined) {
      distribution = emptyDistribution(
        { route: parts.route, method: parts.method, code },
        parts.bounds.length,
      )
      byCode.set(code, distribution)
      parts.distributions.push(distribution)
    }
    return distribution
  }
  flowOf('external')
  distributionOf('OK')
  return {
    started: (caller) => {
      flowOf(caller).started += 1
    },
    finished: (result) => {
      flowOf(result.caller).finished += 1
      observe(distributionOf(result.code), parts.bounds, result)
    },
  }
}

function emptyDistribution(labels: Readonly<Record<string, string>>, bucketCount: number): Distribution {
  return {
    labels,
    counts: new Float64Array(bucketCount + 1),
    exemplars: Array.from({ length: bucketCount + 1 }, () => undefined),
    sum: 0,
    count: 0,
  }
}

function observe(distribution: Distribution, bounds: readonly number[], result: RequestResult): void {
  const seconds = result.durationMs / 1000
  const index = bucketIndex(bounds, seconds)
  distribution.counts[index] = (distribution.counts[index] ?? 0) + 1
  distribution.sum += seconds
  distribution.count += 1
  if (!result.sampled) return
  distribution.exemplars[index] = {
    labelSet: { trace_id: result.traceId, span_id: result.spanId },
    value: seconds,
    timestamp: result.nowMs / 1000,
  }
}

/** Index of the first bound that is not below the value; one past the last for +Inf. */
function bucketIndex(bounds: readonly number[], value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bounds[middle] ?? Number.POSITIVE_INFINITY) < value) low = middle + 1
    else high = middle
  }
  return low
}

function bucketValues(distribution: Distribution, bounds: readonly number[]): CollectedValue[] {
  const name = 'sonia_http_request_duration_seconds'
  const { labels, counts, exemplars, sum, count } = distribution
  let cumulative = 0
  const buckets = Array.from(counts, (bucket, index) => {
    cumulative += bucket
    const le = bounds[index] ?? '+Inf'
    return {
      metricName: `${name}_bucket`,
      labels: { le, ...labels },
      value: cumulative,
      exemplar: exemplars[index],
    }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

function collected(fullName: string, read: () => CollectedValue[]): CollectedMetric {
  const { type, help } = definitionOf(fullName)
  const name = type === 'counter' ? fullName.replace(/_total$/, '') : fullName
  return { name, help, type, get: async () => ({ name, help, type, values: read() }) }
}
