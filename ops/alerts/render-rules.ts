import { stringify } from 'yaml'
import { promDuration } from '../rendering/durations.ts'
import { type AlertRule, runbookPath } from './alert-rule.ts'
import { resourceAlerts } from './resource-alerts.ts'
import { availabilityAlerts, requestAlerts } from './service-alerts.ts'
import type { AlertTiming } from './timing.ts'
import { backupAlerts, gateAlerts, securityAlerts } from './trust-alerts.ts'
import { watchAlerts } from './watch-alerts.ts'

const HEADER = `# Made by: node ops/alerts/generate-main.ts. Thresholds: ops/thresholds.ts, waiting times: ops/alerts/timing.ts.
# A test compares this file with what they make.
`
const GRAFANA = 'http://127.0.0.1:3000/d'

/** Groups of alert rules by what they are about. */
export function alertGroups(timing: AlertTiming): Readonly<Record<string, readonly AlertRule[]>> {
  return {
    'sonia-availability': availabilityAlerts(timing),
    'sonia-requests-alerts': requestAlerts(timing),
    'sonia-resources': resourceAlerts(timing),
    'sonia-security': securityAlerts(timing),
    'sonia-backups': backupAlerts(timing),
    'sonia-gates': gateAlerts(timing),
    'sonia-watchers': watchAlerts(timing),
  }
}

/** All alert rules as a rules file of Prometheus. */
export function renderAlertRules(timing: AlertTiming): string {
  const groups = Object.entries(alertGroups(timing)).map(([name, rules]) => ({
    name,
    rules: rules.map(ruleOf),
  }))
  return HEADER + stringify({ groups }, { lineWidth: 0 })
}

function ruleOf(rule: AlertRule) {
  return {
    alert: rule.alert,
    expr: rule.expr,
    ...(rule.forSeconds === 0 ? {} : { for: promDuration(rule.forSeconds) }),
    labels: { severity: rule.severity, ...(rule.service === undefined ? {} : { service: rule.service }) },
    annotations: {
      summary: rule.summary,
      description: rule.description,
      runbook_url: runbookPath(rule.alert),
      dashboard_url: `${GRAFANA}/${rule.dashboard}`,
    },
  }
}
