import { parse, stringify } from 'yaml'
import { CATALOG, DEFAULT_PORT_BASE, SERVICE_NAMES, WATCH_PORTS } from '#catalog'
import { renderCollectorConfig } from '#ops/rendering/collector-config.ts'
import { renderPrometheusConfig } from '#ops/rendering/prometheus-config.ts'

const SCRAPE_SECONDS = 15
const NOTE =
  '# Rendered by deploy/render-main.ts from the template that the supervisor uses; a test compares it.\n'

interface PrometheusConfig {
  alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] }
  scrape_configs: { job_name: string; static_configs: { targets: string[]; labels?: object }[] }[]
}

/** Prometheus on the network of compose: services by their names, and no supervisor, whose place compose takes. */
export function composePrometheus(template: string): string {
  const targets = SERVICE_NAMES.map((service) => ({
    service,
    address: `${service}:${CATALOG[service].port}`,
  }))
  const settings = { scrapeIntervalSeconds: SCRAPE_SECONDS, portBase: DEFAULT_PORT_BASE, targets }
  const config = parse(renderPrometheusConfig(template, settings)) as PrometheusConfig
  const hosts: Readonly<Record<string, string>> = {
    prometheus: `prometheus:${WATCH_PORTS.prometheus}`,
    alertmanager: `alertmanager:${WATCH_PORTS.alertmanager}`,
    collector: `collector:${WATCH_PORTS.collectorMetrics}`,
  }
  config.alerting.alertmanagers = [{ static_configs: [{ targets: [hosts['alertmanager'] ?? ''] }] }]
  config.scrape_configs = config.scrape_configs.filter(({ job_name: job }) => job !== 'sonia-ops')
  for (const job of config.scrape_configs) {
    const target = hosts[job.job_name]
    if (target === undefined) continue
    job.static_configs = [{ targets: [target], labels: { instance: job.job_name } }]
  }
  return NOTE + stringify(config)
}

interface CollectorConfig {
  extensions: { health_check: { endpoint: string } }
  receivers: { otlp: { protocols: { http: { endpoint: string } } }; [name: string]: unknown }
  exporters: Record<string, unknown>
  service: {
    telemetry: {
      metrics: { readers: { pull: { exporter: { prometheus: { host: string } } } }[] }
    }
    pipelines: Record<string, { receivers: string[]; processors: string[]; exporters: string[] }>
  }
}

/** The Collector on the network of compose: spans to Tempo, the services' log files to Loki. */
export function composeCollector(template: string): string {
  const settings = { portBase: DEFAULT_PORT_BASE, tracesFile: 'traces.jsonl' }
  const config = parse(renderCollectorConfig(template, settings)) as CollectorConfig
  config.extensions.health_check.endpoint = `0.0.0.0:${WATCH_PORTS.collectorHealth}`
  config.receivers.otlp.protocols.http.endpoint = `0.0.0.0:${WATCH_PORTS.collector}`
  for (const { pull } of config.service.telemetry.metrics.readers) pull.exporter.prometheus.host = '0.0.0.0'
  config.receivers['filelog'] = LOG_FILES
  config.exporters = {
    'otlphttp/tempo': { endpoint: 'http://tempo:4318', tls: { insecure: true } },
    'otlphttp/loki': { endpoint: 'http://loki:3100/otlp', tls: { insecure: true } },
  }
  const [spans] = Object.values(config.service.pipelines)
  if (spans === undefined) throw new Error('the template has no pipeline')
  config.service.pipelines = {
    traces: { ...spans, exporters: ['otlphttp/tempo'] },
    logs: { receivers: ['filelog'], processors: spans.processors, exporters: ['otlphttp/loki'] },
  }
  return NOTE + stringify(config)
}

/** The line stays whole as the body: what a person reads in Loki is what stands in the file. */
const LOG_FILES = {
  include: ['/logs/*/*.log'],
  start_at: 'beginning',
  operators: [
    {
      type: 'json_parser',
      parse_to: 'attributes',
      timestamp: {
        parse_from: 'attributes.timestamp',
        layout_type: 'gotime',
        layout: '2006-01-02T15:04:05.000Z',
      },
      severity: { parse_from: 'attributes.level' },
    },
    { type: 'move', from: 'attributes.service', to: 'resource["service.name"]' },
    {
      type: 'retain',
      fields: ['attributes.trace_id', 'attributes.correlation_id', 'resource["service.name"]'],
    },
  ],
}
