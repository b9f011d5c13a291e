import { parse, stringify } from 'yaml'
import { WATCH_PORTS, portAt } from '#catalog'
import { promDuration } from './durations.ts'

export interface ScrapeTarget {
  readonly service: string
  /** host:port */
  readonly address: string
}

export interface PrometheusSettings {
  readonly scrapeIntervalSeconds: number
  readonly portBase: number
  /** Targets of job="sonia". */
  readonly targets: readonly ScrapeTarget[]
  /** host:port of series made up by a drill; they keep the labels they bring. */
  readonly plantedTarget?: string | undefined
}

interface ScrapeConfig {
  job_name: string
  honor_labels?: boolean
  static_configs: { targets: string[]; labels?: Record<string, string> }[]
}

interface PrometheusConfig {
  global: { scrape_interval: string; scrape_timeout: string; evaluation_interval: string }
  alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] }
  scrape_configs: ScrapeConfig[]
}

const SCRAPE_TIMEOUT_SECONDS_MAX = 10

/** The template with intervals, ports and targets of this run; everything else stays as it stands. */
export function renderPrometheusConfig(template: string, settings: PrometheusSettings): string {
  const config = parse(template) as PrometheusConfig
  const interval = promDuration(settings.scrapeIntervalSeconds)
  config.global.scrape_interval = interval
  config.global.evaluation_interval = interval
  config.global.scrape_timeout = promDuration(
    Math.min(settings.scrapeIntervalSeconds, SCRAPE_TIMEOUT_SECONDS_MAX),
  )
  const address = (port: number) => `127.0.0.1:${portAt(port, settings.portBase)}`
  config.alerting.alertmanagers = [{ static_configs: [{ targets: [address(WATCH_PORTS.alertmanager)] }] }]
  const addresses: Readonly<Record<string, string>> = {
    'sonia-ops': address(WATCH_PORTS.ops),
    prometheus: address(WATCH_PORTS.prometheus),
    alertmanager: address(WATCH_PORTS.alertmanager),
    collector: address(WATCH_PORTS.collectorMetrics),
  }
  for (const job of config.scrape_configs) {
    const own = addresses[job.job_name]
    // `instance` is a name, not an address: recorded series of two runs must not differ by their ports.
    if (own !== undefined) job.static_configs = [{ targets: [own], labels: { instance: job.job_name } }]
    if (job.job_name === 'sonia') job.static_configs = settings.targets.map(staticConfigOf)
  }
  if (settings.plantedTarget !== undefined) {
    const static_configs = [{ targets: [settings.plantedTarget] }]
    config.scrape_configs.push({ job_name: 'planted', honor_labels: true, static_configs })
  }
  return stringify(config)
}

function staticConfigOf({ service, address }: ScrapeTarget): ScrapeConfig['static_configs'][number] {
  return { targets: [address], labels: { service, instance: service } }
}
