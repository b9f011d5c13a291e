import { type Meter, metrics } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { TelemetryHandle } from './handle.ts'
import { SpanQueue } from './span-queue.ts'

export interface TelemetrySettings {
  readonly service: string
  readonly version: string
  readonly runId: string
  /** Where the Collector takes OTLP over HTTP. */
  readonly endpoint: string
}

/** A dead Collector must not hold up a stop: the SDK's own defaults take 8 to 10 s. */
const EXPORT_TIMEOUT_MS = 1_000
const ATTRIBUTE_CHARS_MAX = 1_024

/** Traces go to the Collector; metrics stay here and leave with the scrape of the service. */
export function startTelemetry(settings: TelemetrySettings): TelemetryHandle {
  const queue = new SpanQueue({
    exporter: new OTLPTraceExporter({
      url: `${settings.endpoint}/v1/traces`,
      timeoutMillis: EXPORT_TIMEOUT_MS,
    }),
  })
  const reader = new PrometheusExporter({ preventServerStart: true })
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': settings.service,
      'service.version': settings.version,
      'service.instance.id': `${settings.service}-${settings.runId}`,
      'sonia.run_id': settings.runId,
    }),
    autoDetectResources: false,
    spanProcessors: [queue],
    spanLimits: { attributeValueLengthLimit: ATTRIBUTE_CHARS_MAX },
    metricReaders: [reader],
    instrumentations: [],
  })
  sdk.start()
  observeQueue(metrics.getMeter('sonia-telemetry'), queue)
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true)
  return {
    shutdown: (timeoutMs) => shutdownWithin(sdk, timeoutMs),
    collectMetrics: async () => serializer.serialize((await reader.collect()).resourceMetrics),
    droppedSpans: () => queue.dropped,
  }
}

/** The health of the span pipeline under the names of the semantic conventions. */
function observeQueue(meter: Meter, queue: SpanQueue): void {
  meter
    .createObservableUpDownCounter('otel.sdk.processor.span.queue.size', {
      description: 'Spans that wait for export',
    })
    .addCallback((result) => result.observe(queue.size))
  meter
    .createObservableUpDownCounter('otel.sdk.processor.span.queue.capacity', {
      description: 'Spans that may wait',
    })
    .addCallback((result) => result.observe(queue.capacity))
  meter
    .createObservableCounter('otel.sdk.exporter.span.exported', {
      description: 'Spans taken by the Collector, or lost',
    })
    .addCallback((result) => {
      result.observe(queue.exported, { outcome: 'exported' })
      result.observe(queue.dropped, { outcome: 'dropped' })
    })
}

async function shutdownWithin(sdk: NodeSDK, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  // Telemetry that cannot be delivered is no reason for a service to end badly.
  await Promise.race([sdk.shutdown().catch(() => undefined), late])
  clearTimeout(timer)
}
