import { findTelemetry } from '../../otel/handle.ts'
import type { ServiceMetrics } from './metrics.ts'
import { mergeOpenMetrics } from './open-metrics.ts'

/** The answer to a scrape: prom-client's metrics and OpenTelemetry's own, as one document. */
export async function scrape(metrics: ServiceMetrics): Promise<string> {
  const telemetry = findTelemetry()
  if (telemetry === undefined) return metrics.exposition()
  const dropped = metrics.counter('sonia_spans_dropped_total')
  dropped.reset()
  dropped.inc(telemetry.droppedSpans())
  const [own, theirs] = await Promise.all([metrics.exposition(), telemetry.collectMetrics()])
  return mergeOpenMetrics(own, theirs)
}
