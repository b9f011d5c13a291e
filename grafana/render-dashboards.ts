import { ALL_DASHBOARDS } from './all-dashboards.ts'
import { dashboardOf } from './dashboard.ts'

/** Every dashboard as the file that Grafana loads, by its name. */
export function renderDashboards(): ReadonlyMap<string, string> {
  return new Map(
    ALL_DASHBOARDS.map((spec) => [`${spec.uid}.json`, `${JSON.stringify(dashboardOf(spec), null, 2)}\n`]),
  )
}
