export type Severity = 'critical' | 'warning' | 'info'

/** Dashboards an alert may point to, by their stable uid. */
export type DashboardUid =
  | 'sonia-production'
  | 'sonia-service'
  | 'sonia-soak'
  | 'sonia-gates'
  | 'sonia-slo'
  | 'sonia-telemetry'

export interface AlertRule {
  readonly alert: string
  readonly severity: Severity
  /** A fixed service, or undefined where the expression carries the label. It is mandatory: inhibition goes by it. */
  readonly service?: string
  readonly expr: string
  readonly forSeconds: number
  readonly summary: string
  readonly description: string
  readonly dashboard: DashboardUid
}

/** Runbook of an alert: one page per name, whatever its severities. */
export function runbookPath(alert: string): string {
  return `docs/runbooks/${alert.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}.md`
}
