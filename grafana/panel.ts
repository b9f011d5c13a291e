import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { HeatmapColorOptionsBuilder, PanelBuilder as Heatmap } from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries'

/** Reference to the data source that a person chose at the top of the dashboard. */
export const PROMETHEUS = { type: 'prometheus', uid: '${datasource}' } as const

/** What a panel shows, without Grafana's words for it. */
export interface PanelSpec {
  readonly kind: 'lines' | 'number' | 'table' | 'heatmap'
  readonly title: string
  /** What a reader should know before drawing a conclusion. */
  readonly description: string
  /** Grafana's name of the unit. */
  readonly unit: string
  /** Legend to query; the legend may name labels: {{service}}. */
  readonly queries: Readonly<Record<string, string>>
  /** Above these values the colour changes; from ops/thresholds.ts. */
  readonly limits?: { readonly warning?: number; readonly critical?: number }
  /** Below these values the colour changes. */
  readonly floors?: { readonly warning?: number; readonly critical?: number }
  /** Links its points to their traces. */
  readonly exemplars?: boolean
  /** Of 24 columns. */
  readonly width: number
  readonly height?: number
  readonly link?: PanelLink
}

export interface PanelLink {
  readonly title: string
  readonly url: string
}

/** Grafana names the queries of a panel by letters. */
const REFERENCES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

const HEIGHTS = { lines: 8, number: 4, table: 8, heatmap: 9 } as const

export function panelOf(spec: PanelSpec): Builder<Panel> {
  const builder = visualisationOf(spec)
    .title(spec.title)
    .description(spec.description)
    .datasource(PROMETHEUS)
    .unit(spec.unit)
    .span(spec.width)
    .height(spec.height ?? HEIGHTS[spec.kind])
    .thresholds(coloursOf(spec))
  for (const [index, [legend, expr]] of Object.entries(spec.queries).entries())
    builder.withTarget(queryOf(spec, { legend, expr, index }))
  return spec.link === undefined ? builder : builder.dataLinks([linkOf(spec.link)])
}

function visualisationOf({ kind }: PanelSpec): TimeSeries | Stat | Table | Heatmap {
  if (kind === 'number') return new Stat()
  if (kind === 'table') return new Table()
  if (kind === 'heatmap') return new Heatmap().color(new HeatmapColorOptionsBuilder().scheme('Viridis'))
  return new TimeSeries().fillOpacity(5).spanNulls(false)
}

function queryOf(
  { kind, exemplars = false }: PanelSpec,
  { legend, expr, index }: { legend: string; expr: string; index: number },
): DataqueryBuilder {
  const query = new DataqueryBuilder()
    .refId(REFERENCES.charAt(index))
    .datasource(PROMETHEUS)
    .expr(expr)
    .legendFormat(legend)
    .exemplar(exemplars)
  if (kind === 'number') return query.instant()
  if (kind === 'table') return query.instant().format(PromQueryFormat.Table)
  return kind === 'heatmap' ? query.range().format(PromQueryFormat.Heatmap) : query.range()
}

const GOOD = 'green'
const COLOURS = { warning: 'orange', critical: 'red' } as const

function coloursOf({ limits = {}, floors }: PanelSpec): ThresholdsConfigBuilder {
  const steps = floors === undefined ? risingSteps(limits) : fallingSteps(floors)
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps)
}

interface Step {
  readonly value: number | null
  readonly color: string
}

function risingSteps(limits: NonNullable<PanelSpec['limits']>): Step[] {
  const raised = (['warning', 'critical'] as const).flatMap((level) => {
    const value = limits[level]
    return value === undefined ? [] : [{ value, color: COLOURS[level] }]
  })
  return [{ value: null, color: GOOD }, ...raised]
}

/** Bad at the bottom: each colour holds up to the next higher value. */
function fallingSteps({ warning, critical }: NonNullable<PanelSpec['floors']>): Step[] {
  const steps: Step[] = [{ value: null, color: critical === undefined ? COLOURS.warning : COLOURS.critical }]
  if (critical !== undefined && warning !== undefined) steps.push({ value: critical, color: COLOURS.warning })
  const last = warning ?? critical
  return last === undefined ? [{ value: null, color: GOOD }] : [...steps, { value: last, color: GOOD }]
}

function linkOf({ title, url }: PanelLink): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url).targetBlank(false)
}
