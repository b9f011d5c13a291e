import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AlertWaits, type Receivers, renderAlertmanagerConfig } from './rendering/alertmanager-config.ts'
import { renderCollectorConfig } from './rendering/collector-config.ts'
import { renderPrometheusConfig, type ScrapeTarget } from './rendering/prometheus-config.ts'
import type { StateHome } from './state-home.ts'
import { writeWhole } from './write-whole.ts'

/** Where the watching side keeps its rendered configuration and its data. */
export interface WatchFolders {
  readonly prometheusConfig: string
  readonly prometheusData: string
  readonly alertmanagerConfig: string
  readonly alertmanagerData: string
  readonly collectorConfig: string
  /** Spans as OTLP JSON, one batch a line; rotated files stand beside the current one. */
  readonly traces: string
}

export interface WatchSettings {
  readonly repo: string
  readonly portBase: number
  readonly scrapeIntervalSeconds: number
  readonly targets: readonly ScrapeTarget[]
  /** host:port of series made up by a drill. */
  readonly plantedTarget?: string | undefined
  readonly receivers: Receivers
  readonly alertWaits?: AlertWaits | undefined
  readonly onlyAlerts?: readonly string[] | undefined
  /** Replaces the committed alert rules, for runs with short intervals. */
  readonly alertRules?: string | undefined
}

export function watchFolders(folders: StateHome): WatchFolders {
  return {
    prometheusConfig: join(folders.run, 'prometheus', 'prometheus.yml'),
    prometheusData: join(folders.data, 'prometheus'),
    alertmanagerConfig: join(folders.run, 'alertmanager', 'alertmanager.yml'),
    alertmanagerData: join(folders.data, 'alertmanager'),
    collectorConfig: join(folders.run, 'collector', 'config.yaml'),
    traces: join(folders.data, 'traces'),
  }
}

/** Renders the templates of the repository into the state folder. */
export function writeWatchFiles(folders: StateHome, settings: WatchSettings): WatchFolders {
  const files = watchFolders(folders)
  const created = ['prometheus/rules', 'alertmanager', 'collector'].map((name) => join(folders.run, name))
  for (const folder of [...created, files.prometheusData, files.alertmanagerData, files.traces]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
  copyRules(settings, join(folders.run, 'prometheus', 'rules'))
  const template = (...path: readonly string[]) => readFileSync(join(settings.repo, ...path), 'utf8')
  const prometheus = renderPrometheusConfig(template('prometheus', 'prometheus.yml'), settings)
  writeWhole(files.prometheusConfig, prometheus, 0o600)
  const alertmanager = renderAlertmanagerConfig(template('prometheus', 'alertmanager.yml'), {
    receivers: settings.receivers,
    ...(settings.alertWaits === undefined ? {} : { waits: settings.alertWaits }),
    ...(settings.onlyAlerts === undefined ? {} : { onlyAlerts: settings.onlyAlerts }),
  })
  writeWhole(files.alertmanagerConfig, alertmanager, 0o600)
  const tracesFile = join(files.traces, 'traces.jsonl')
  const collector = renderCollectorConfig(template('otel', 'collector', 'config.yaml'), {
    ...settings,
    tracesFile,
  })
  writeWhole(files.collectorConfig, collector, 0o600)
  return files
}

const ALERT_RULES = 'alerts.rules.yml'

function copyRules(settings: WatchSettings, to: string): void {
  const from = join(settings.repo, 'prometheus', 'rules')
  const names = existsSync(from) ? readdirSync(from).filter((name) => name.endsWith('.rules.yml')) : []
  for (const name of names) cpSync(join(from, name), join(to, name))
  if (settings.alertRules !== undefined) writeWhole(join(to, ALERT_RULES), settings.alertRules, 0o600)
}
