import { metrics } from '@opentelemetry/api'
import type { ServiceName } from '#catalog'

const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Time of each call onward, under OpenTelemetry's own name; it leaves with the scrape beside prom-client's metrics. */
export function createClientDurations(): (to: ServiceName, method: string, durationMs: number) => void {
  const histogram = metrics.getMeter('sonia-client').createHistogram('http.client.request.duration', {
    unit: 's',
    description: 'Time of one call onward',
    advice: { explicitBucketBoundaries: BOUNDS_SECONDS },
  })
  return (to, method, durationMs) =>
    histogram.record(durationMs / 1000, { 'server.address': to, 'http.request.method': method })
}
