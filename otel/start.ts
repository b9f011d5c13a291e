import { type Attributes, type Meter, metrics, trace } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { TelemetryHandle } from './handle.ts'
import { createTracerProvider } from './recording-tracer.ts'
import { SpanQueue } from './span-queue.ts'
import { createSpanSender } from './span-sender.ts'
import { requestFrame } from './span-text.ts'

export interface TelemetrySettings {
  readonly service: string
  readonly version: string
  readonly runId: string
  /** Where the Collector takes OTLP over HTTP. */
  readonly endpoint: string
  /** OTEL_SDK_DISABLED: nothing is recorded. */
  readonly disabled: boolean
}

/** A dead Collector must not hold up a stop: the SDK's own defaults take 8 to 10 s. */
const EXPORT_TIMEOUT_MS = 1_000

/** Traces go to the Collector; metrics stay here and leave with the scrape of the service. */
export function startTelemetry(settings: TelemetrySettings): TelemetryHandle {
  const resource: Attributes = {
    'service.name': settings.service,
    'service.version': settings.version,
    'service.instance.id': `${settings.service}-${settings.runId}`,
    'sonia.run_id': settings.runId,
  }
  const queue = new SpanQueue({
    sender: createSpanSender(settings.endpoint, EXPORT_TIMEOUT_MS),
    frame: requestFrame(resource, 'sonia'),
  })
  const reader = new PrometheusExporter({ preventServerStart: true })
  const sdk = new NodeSDK({
    resource: resourceFromAttributes(resource),
    autoDetectResources: false,
    // Spans are recorded by a tracer of our own: the SDK's took half of what a request costs.
    spanProcessors: [],
    metricReaders: [reader],
    instrumentations: [],
  })
  sdk.start()
  if (!settings.disabled) trace.setGlobalTracerProvider(createTracerProvider((span) => queue.add(span)))
  observeQueue(metrics.getMeter('sonia-telemetry'), queue)
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true)
  return {
    shutdown: (timeoutMs) => within(timeoutMs, [sdk.shutdown(), queue.shutdown()]),
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

async function within(timeoutMs: number, stops: readonly Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  // Telemetry that cannot be delivered is no reason for a service to end badly.
  await Promise.race([Promise.allSettled(stops), late])
  clearTimeout(timer)
}
