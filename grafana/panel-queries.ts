import { ALL_DASHBOARDS } from './all-dashboards.ts'
import { SERVICE_VARIABLE } from './dashboard.ts'

/** One query of one panel or variable, as Grafana would send it. */
export interface PanelQuery {
  readonly dashboard: string
  readonly panel: string
  readonly expr: string
  /** Why it may have no answer; absent where it must have one. */
  readonly mayBeEmpty?: string
  /** Has an answer whenever this run had a soak. */
  readonly needsSoak: boolean
}

/** Panels that are right to be empty on a healthy stack, or without a gate that feeds them. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  'Next backup in': 'a stack without a schedule, as inside a gate, has no next backup',
  'Last verified backup': 'a fresh state folder has no backup',
  'Alerts that fire': 'nothing fires on a healthy stack',
  'Verdict of each gate': 'the first verdict comes after the last observation',
  Criteria: 'the first verdict comes after the last observation',
  Limits: 'the first verdict comes after the last observation',
  'Duration of the last observation': 'the first duration comes with the drill',
  'Pressure on the machine': 'a kernel without pressure stall information has none',
  'Repeated calls': 'a pair is counted from its first repetition on',
  'Circuit breakers': 'a breaker appears with the first call to its destination',
  Notifications: 'Alertmanager counts an integration from its first use on',
}

/** Panels of the load: without a soak there is none. */
const NEEDS_SOAK: ReadonlySet<string> = new Set([
  'Responses by outcome',
  'Load asked for',
  'Share of failed responses',
])

export interface QueryScope {
  readonly rangeSeconds: number
  readonly rateSeconds: number
}

/** Every query of every panel and variable, with Grafana's variables replaced; there are no annotations. */
export function panelQueries(scope: QueryScope): readonly PanelQuery[] {
  return [...variableQueries(), ...queriesOfPanels(scope)]
}

/** The list of services, as Grafana asks for it. */
function variableQueries(): readonly PanelQuery[] {
  const { series, label } = SERVICE_VARIABLE
  return ALL_DASHBOARDS.filter(({ hasServices }) => hasServices === true).map(({ uid }) => ({
    dashboard: uid,
    panel: `variable ${label}`,
    expr: `count by (${label}) (${series})`,
    needsSoak: false,
  }))
}

function queriesOfPanels({ rangeSeconds, rateSeconds }: QueryScope): readonly PanelQuery[] {
  return ALL_DASHBOARDS.flatMap(({ uid, rows }) =>
    Object.values(rows)
      .flat()
      .flatMap(({ title, queries }) =>
        Object.values(queries).map((expr) => ({
          dashboard: uid,
          panel: title,
          expr: expr
            .replaceAll('$__rate_interval', `${rateSeconds}s`)
            .replaceAll('$__range', `${rangeSeconds}s`)
            .replaceAll('$service', '.+'),
          needsSoak: NEEDS_SOAK.has(title),
          ...(MAY_BE_EMPTY[title] === undefined ? {} : { mayBeEmpty: MAY_BE_EMPTY[title] }),
        })),
      ),
  )
}

/** Titles on the list that no dashboard has: the list must not outlive its panels. */
export function strayAllowances(): readonly string[] {
  const titles = new Set(
    ALL_DASHBOARDS.flatMap(({ rows }) => Object.values(rows).flat()).map(({ title }) => title),
  )
  return [...Object.keys(MAY_BE_EMPTY), ...NEEDS_SOAK].filter((title) => !titles.has(title))
}
