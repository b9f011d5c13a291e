import {
  type Dashboard,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { DashboardUid } from '#ops/alerts/alert-rule.ts'
import { PROMETHEUS, panelOf, type PanelSpec } from './panel.ts'

/** A dashboard as rows of panels. */
export interface DashboardSpec {
  readonly uid: DashboardUid
  readonly title: string
  readonly description: string
  /** How far back it looks when opened. */
  readonly from: string
  /** Lets a person choose services; its panels use $service. */
  readonly hasServices?: boolean
  readonly rows: Readonly<Record<string, readonly PanelSpec[]>>
}

const REFRESH = '15s'
const TAG = 'sonia'

export function dashboardOf(spec: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags([TAG])
    .refresh(REFRESH)
    .time({ from: spec.from, to: 'now' })
    .timezone('browser')
    .editable()
    .link(siblings())
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
  if (spec.hasServices === true) builder.withVariable(serviceVariable())
  for (const [title, panels] of Object.entries(spec.rows)) {
    builder.withRow(new RowBuilder(title))
    for (const panel of panels) builder.withPanel(panelOf(panel))
  }
  return builder.build()
}

/** From every dashboard to the others, with the time and the chosen services kept. */
function siblings(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('SONIA')
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .asDropdown(true)
    .keepTime(true)
    .includeVars(true)
}

/** What a person may choose from: the values of one label of one series. */
export const SERVICE_VARIABLE = { series: 'sonia_build_info{job="sonia"}', label: 'service' } as const

function serviceVariable(): QueryVariableBuilder {
  const { series, label } = SERVICE_VARIABLE
  return new QueryVariableBuilder('service')
    .label('Service')
    .datasource(PROMETHEUS)
    .query(`label_values(${series}, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
}
