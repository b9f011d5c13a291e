import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  Registry,
} from 'prom-client'
import type { ServiceName } from '#catalog'
import { createLabelGuard, type Labels } from './label-guard.ts'
import type { MetricDefinition } from './metric-definition.ts'
import { type CounterName, type GaugeName, type HistogramName, METRICS } from './metric-registry.ts'

/** The declared metrics of one service. A name that the registry file does not give this service throws. */
export interface ServiceMetrics {
  counter(name: CounterName): Counter
  gauge(name: GaugeName): Gauge
  histogram(name: HistogramName): Histogram
  /** Counts events of a counter with one label as plain numbers; prom-client hears of them at a scrape. */
  tally(name: CounterName, label: string): (value: string) => void
  /** For metrics whose values are kept elsewhere and only read at a scrape. */
  register(metric: CollectedMetric): void
  /** The answer of prom-client alone, as one OpenMetrics document. */
  exposition(): Promise<string>
  close(): void
}

/** What prom-client needs of a metric that it did not make. */
export interface CollectedMetric {
  name: string
  readonly help: string
  readonly type: MetricDefinition['type']
  get(): Promise<CollectedFamily>
}

interface CollectedFamily {
  readonly name: string
  readonly help: string
  readonly type: MetricDefinition['type']
  readonly values: readonly CollectedValue[]
}

export interface CollectedValue {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName?: string
  readonly exemplar?: { labelSet: Record<string, string>; value: number; timestamp: number } | undefined
}

/** Recorded by the chassis itself, from plain numbers kept per route (request-metrics.ts). */
const COLLECTED = new Set<string>([
  'sonia_http_request_duration_seconds',
  'sonia_http_requests_started_total',
  'sonia_http_requests_finished_total',
  'sonia_http_requests_in_flight',
  'sonia_http_oldest_in_flight_seconds',
])

export function createMetrics(service: ServiceName): ServiceMetrics {
  const registry = new Registry<OpenMetricsContentType>()
  // Once, before any metric: switching per request drops `_total` from names for good.
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const definitions = METRICS.filter((metric) => (metric.services as readonly string[]).includes(service))
  const made = new Map<string, Counter | Gauge | Histogram>()
  for (const definition of definitions) {
    if (!COLLECTED.has(definition.name)) made.set(definition.name, createMetric(definition, registry))
  }
  collectDefaultMetrics({ register: registry })
  const find = (name: string) => {
    const metric = made.get(name)
    if (metric === undefined) throw new Error(`Metric ${name} is not declared for ${service}`)
    return metric
  }
  return {
    counter: (name) => find(name) as Counter,
    gauge: (name) => find(name) as Gauge,
    histogram: (name) => find(name) as Histogram,
    tally: (name, label) => createTally(find(name) as Counter, label),
    register: (metric) => {
      registry.registerMetric(metric as never)
    },
    exposition: () => registry.metrics(),
    close: () => {
      registry.clear()
    },
  }
}

function createMetric(
  definition: MetricDefinition,
  registry: Registry<OpenMetricsContentType>,
): Counter | Gauge | Histogram {
  const guard = createLabelGuard(definition)
  const metric = createPlainMetric(definition, registry)
  guardMethods(metric, guard)
  // `increase` does not see the first event of a counter that is born at 1.
  if (definition.type === 'counter') {
    for (const labels of closedLabelSets(definition)) (metric as Counter).inc(labels, 0)
  }
  return metric
}

function createPlainMetric(
  definition: MetricDefinition,
  registry: Registry<OpenMetricsContentType>,
): Counter | Gauge | Histogram {
  const { name, help } = definition
  const common = { name, help, labelNames: Object.keys(definition.labels), registers: [registry] }
  if (definition.type === 'counter') return new Counter(common)
  if (definition.type === 'gauge') return new Gauge(common)
  return new Histogram({ ...common, buckets: [...(definition.buckets ?? [])] })
}

type Recorder = (labelsOrValue?: unknown, value?: number) => void

/** Every label set passes the guard; prom-client sets some of its methods on the instance, so they are replaced there. */
function guardMethods(metric: Counter | Gauge | Histogram, guard: (labels: Labels) => Labels): void {
  const methods = metric as unknown as Record<string, Recorder | undefined>
  for (const name of ['inc', 'dec', 'set', 'observe', 'labels']) {
    const original = methods[name]?.bind(metric)
    if (original === undefined) continue
    methods[name] = (first, value) =>
      original(typeof first === 'object' ? guard(first as Labels) : first, value)
  }
}

/** Labels are looked up, guarded and hashed once per scrape instead of once per event. */
function createTally(counter: Counter, label: string): (value: string) => void {
  const counts = new Map<string, number>()
  ;(counter as Counter & { collect?: () => void }).collect = () => {
    for (const [value, count] of counts) counter.inc({ [label]: value }, count)
    counts.clear()
  }
  return (value) => counts.set(value, (counts.get(value) ?? 0) + 1)
}

/** All combinations of label values, where every label has a closed list. */
export function closedLabelSets(definition: MetricDefinition): Record<string, string>[] {
  let sets: Record<string, string>[] = [{}]
  for (const [label, values] of Object.entries(definition.labels)) {
    if (values === null) return []
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value })))
  }
  return sets
}

export function definitionOf(name: string): MetricDefinition {
  const definition = METRICS.find((metric) => metric.name === name)
  if (definition === undefined) throw new Error(`Metric ${name} is not in the registry`)
  return definition
}
