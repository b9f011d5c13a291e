import { parse, stringify } from 'yaml'
import { promDuration } from './durations.ts'

/** What a receiver may consist of, each a list in Alertmanager's own words; made by ops/alerts/receivers.ts. */
const RECEIVER_KINDS = ['webhook_configs', 'email_configs', 'slack_configs', 'pagerduty_configs'] as const
type ReceiverKind = (typeof RECEIVER_KINDS)[number]

export const RECEIVER_NAMES = ['page', 'ticket', 'heartbeat'] as const
export type ReceiverName = (typeof RECEIVER_NAMES)[number]

export type ReceiverConfigs = Readonly<
  Partial<Record<ReceiverKind, readonly Readonly<Record<string, unknown>>[]>>
>
export type Receivers = Readonly<Partial<Record<ReceiverName, ReceiverConfigs>>>

export interface AlertmanagerSettings {
  readonly receivers: Receivers
  /** Short waits for a drill or a short run; absent = the template's. */
  readonly waits?: AlertWaits
  /** Names of the alerts that reach a receiver; absent = all. */
  readonly onlyAlerts?: readonly string[]
}

/** Tickets wait a little longer than pages, or an inhibited ticket would leave before its page is known. */
export interface AlertWaits {
  readonly pageSeconds: number
  readonly ticketSeconds: number
  readonly intervalSeconds: number
}

interface Route {
  receiver: string
  matchers?: string[]
  group_wait?: string
  group_interval?: string
  repeat_interval?: string
  routes?: Route[]
}

interface AlertmanagerConfig {
  route: Route
  receivers: { name: string; [kind: string]: unknown }[]
}

/** The template with the operator's receivers, and with the waits of this run. */
export function renderAlertmanagerConfig(template: string, settings: AlertmanagerSettings): string {
  const config = parse(template) as AlertmanagerConfig
  config.receivers = config.receivers.map((receiver) => ({
    ...receiver,
    ...settings.receivers[receiver.name as ReceiverName],
  }))
  if (settings.onlyAlerts !== undefined) {
    const others = { receiver: 'none', matchers: [`alertname !~ "${settings.onlyAlerts.join('|')}"`] }
    config.route.routes = [others, ...(config.route.routes ?? [])]
  }
  if (settings.waits !== undefined) {
    for (const route of [config.route, ...(config.route.routes ?? [])]) shorten(route, settings.waits)
  }
  return stringify(config)
}

function shorten(route: Route, waits: AlertWaits): void {
  const isTicket = route.receiver === 'ticket' || route.receiver === 'none'
  route.group_wait = promDuration(isTicket ? waits.ticketSeconds : waits.pageSeconds)
  route.group_interval = promDuration(waits.intervalSeconds)
  if (route.repeat_interval === '1m') route.repeat_interval = promDuration(Math.max(1, waits.intervalSeconds))
}
