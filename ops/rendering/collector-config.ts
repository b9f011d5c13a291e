import { parse, stringify } from 'yaml'
import { WATCH_PORTS, portAt } from '#catalog'

interface CollectorConfig {
  extensions: { health_check: { endpoint: string } }
  receivers: { otlp: { protocols: { http: { endpoint: string } } } }
  exporters: { file: { path: string } }
  service: {
    telemetry: {
      metrics: { readers: { pull: { exporter: { prometheus: { host: string; port: number } } } }[] }
    }
  }
}

/** The template with addresses of this port base and the file that receives the spans. */
export function renderCollectorConfig(
  template: string,
  settings: { portBase: number; tracesFile: string },
): string {
  const config = parse(template) as CollectorConfig
  config.extensions.health_check.endpoint = `127.0.0.1:${portAt(WATCH_PORTS.collectorHealth, settings.portBase)}`
  config.receivers.otlp.protocols.http.endpoint = `127.0.0.1:${portAt(WATCH_PORTS.collector, settings.portBase)}`
  config.exporters.file.path = settings.tracesFile
  for (const { pull } of config.service.telemetry.metrics.readers) {
    pull.exporter.prometheus.port = portAt(WATCH_PORTS.collectorMetrics, settings.portBase)
  }
  return stringify(config)
}
