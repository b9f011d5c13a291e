import { stripVTControlCharacters } from 'node:util'
import { CATALOG, SERVICE_NAMES, type ServiceName, portAt } from '#catalog'
import { type Level, levelOf, THRESHOLDS } from '../thresholds.ts'
import type { ServiceFigures, StatusFigures } from './figures.ts'

const INNER_WIDTH = 49
const COLOURS: Readonly<Record<Level, string>> = {
  ok: '\u001B[32m',
  warning: '\u001B[33m',
  critical: '\u001B[31m',
}
const RESET = '\u001B[0m'
const WORDS: Readonly<Record<Level, string>> = { ok: 'green', warning: 'yellow', critical: 'red' }
const MIB = 1_024 * 1_024

const TITLES: Readonly<Record<ServiceName, { readonly title: string; readonly work: string }>> = {
  'api-gateway': { title: 'API Gateway', work: 'Requests' },
  'model-router': { title: 'Model Router', work: 'Requests' },
  'memory-engine': { title: 'Memory Engine', work: 'Searches' },
  pipecat: { title: 'Pipecat', work: 'Sessions' },
  openclaw: { title: 'OpenClaw', work: 'Executions' },
  'eva-os': { title: 'EVA-OS', work: 'Approvals' },
}

export interface DashboardOptions {
  readonly portBase: number
  readonly colour: boolean
  /** Shown under the title: why figures are missing, for instance. */
  readonly note?: string | undefined
}

/** The production dashboard of a terminal. What Prometheus does not know is a dash, never a zero. */
export function renderDashboard(figures: StatusFigures, options: DashboardOptions): string {
  const paint = (text: string, level: Level) => (options.colour ? `${COLOURS[level]}${text}${RESET}` : text)
  const services = SERVICE_NAMES.flatMap((name, index) => {
    const found = figures.services.find((entry) => entry.service === name)
    return found === undefined
      ? []
      : [...(index > 0 ? [''] : []), ...serviceLines(found, options.portBase, paint)]
  })
  const sections = [
    ['SONIA PRODUCTION DASHBOARD', ...(options.note === undefined ? [] : [options.note])],
    headLines(figures, paint),
    services,
    footLines(figures, paint),
  ]
  const body = sections.map((lines) => lines.map(boxed).join('\n')).join(`\n├${'─'.repeat(INNER_WIDTH)}┤\n`)
  return `┌${'─'.repeat(INNER_WIDTH)}┐\n${body}\n└${'─'.repeat(INNER_WIDTH)}┘\n`
}

type Paint = (text: string, level: Level) => string

function headLines(figures: StatusFigures, paint: Paint): readonly string[] {
  const judged = (text: string, value: number | null, threshold: Parameters<typeof levelOf>[1]) => {
    if (value === null) return `${text}  (no data)`
    const level = levelOf(value, threshold)
    return `${text}  ${paint(`(${WORDS[level]})`, level)}`
  }
  return [
    `Uptime: ${duration(figures.uptimeSeconds)}`,
    judged(`Error Rate: ${percent(figures.errorRatio)}`, figures.errorRatio, THRESHOLDS.errorRatio),
    judged(`p95 Latency: ${latency(figures.p95Seconds)}`, figures.p95Seconds, THRESHOLDS.latencyP95Seconds),
  ]
}

function serviceLines(figures: ServiceFigures, portBase: number, paint: Paint): readonly string[] {
  const { title, work } = TITLES[figures.service]
  const active = figures.active === null ? '' : `Active: ${count(figures.active)}  `
  return [
    `${title} (${portAt(CATALOG[figures.service].port, portBase)})`,
    `  Status: ${paint(figures.state, stateLevel(figures))}  Errors: ${count(figures.errors)}  p95: ${latency(figures.p95Seconds)}`,
    `  ${work}: ${count(figures.work)}  ${active}Memory: ${memory(figures.memoryBytes)}`,
  ]
}

function stateLevel(figures: ServiceFigures): Level {
  if (figures.state === 'OK') return 'ok'
  return figures.state === 'DOWN' ? 'critical' : 'warning'
}

function footLines(figures: StatusFigures, paint: Paint): readonly string[] {
  return [...alertLines(figures, paint), `Next backup: ${moment(figures.nextBackupAt, 'not scheduled')}`]
}

function alertLines({ alerts }: StatusFigures, paint: Paint): readonly string[] {
  if (alerts === null) return ['Alerts: -']
  if (alerts.length === 0) return ['Alerts: None']
  const level = (severity: string): Level => (severity === 'critical' ? 'critical' : 'warning')
  return [
    `Alerts: ${alerts.length}`,
    ...alerts.map(
      (alert) => `  ${paint(`${alert.name} ${alert.service} (${alert.severity})`, level(alert.severity))}`,
    ),
  ]
}

const DASH = '-'

function duration(seconds: number | null): string {
  if (seconds === null) return DASH
  const minutes = Math.floor(seconds / 60)
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24]
  if (minutes === 0) return `${Math.floor(seconds)}s`
  return [days > 0 ? `${days}d` : '', days + hours > 0 ? `${hours}h` : '', `${minutes % 60}m`]
    .filter(Boolean)
    .join(' ')
}

function percent(ratio: number | null): string {
  return ratio === null ? DASH : `${(ratio * 100).toFixed(2)}%`
}

function latency(seconds: number | null): string {
  return seconds === null ? DASH : `${Math.round(seconds * 1_000)}ms`
}

function count(value: number | null): string {
  return value === null ? DASH : Math.round(value).toLocaleString('en-US')
}

function memory(bytes: number | null): string {
  return bytes === null ? DASH : `${Math.round(bytes / MIB)} MB`
}

function moment(epochSeconds: number | null, absent: string): string {
  return epochSeconds === null
    ? absent
    : new Date(epochSeconds * 1_000).toISOString().slice(0, 19).replace('T', ' ')
}

/** Pads to the box by what is seen; colour codes take no room. Long lines are cut. */
function boxed(line: string): string {
  const seen = stripVTControlCharacters(line)
  const room = INNER_WIDTH - 2
  if (seen.length > room) return `│ ${seen.slice(0, room - 1)}… │`
  return `│ ${line}${' '.repeat(room - seen.length)} │`
}
