import * as echarts from 'echarts'
import type { EChartsOption } from 'echarts'
import { sha256 } from '../evidence/sha256.ts'
import type { CriterionAnswers, CriterionResult, RangeSeries } from '../engine/types.ts'
import type { Course } from './courses.ts'
import { figure } from './figures.ts'
import { raw, type Html } from './html.ts'

const WIDTH = 420
const ROW = 22
const LINES_HEIGHT = 150
const COURSE_HEIGHT = 180
const COURSE_WIDTH = 490
const BARS_MAX = 12

/** Colours are the page's variables, so that one drawing serves light and dark. */
const INK = 'var(--muted)'
const GRID = 'var(--rule)'
const VALUE = 'var(--value)'
const BOUND = 'var(--bound)'
const BROKEN = 'var(--fail)'
const LIMIT = 'var(--limit)'
const LINES = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)']

interface BarRow {
  readonly name: string
  readonly value: number | null
  readonly bound: number | null
  readonly isBroken: boolean
}

/** The picture of a criterion: its recorded course where it was asked as a range, else values against the limit. */
export function criterionChart(
  criterion: CriterionResult,
  answers: CriterionAnswers | undefined,
): Html | null {
  const lines = courseOf(answers)
  if (lines.length > 0)
    return draw(lineOption(lines, criterion), LINES_HEIGHT, `course of ${criterion.title}`)
  const rows = rowsOf(criterion)
  if (rows.length === 0) return null
  return draw(barOption(rows, criterion), 34 + rows.length * ROW, `${criterion.title} against its limit`)
}

/** The recorded course of something nobody judges. */
export function courseChart({ title, unit, answer }: Course): Html {
  return draw(lineOption(answer.data, { limit: null, unit }), COURSE_HEIGHT, title, COURSE_WIDTH)
}

/** When each gate looked. */
export function timelineChart(spans: readonly { name: string; start: number; end: number }[]): Html {
  const origin = Math.min(...spans.map((one) => one.start))
  const span = spanOf(Math.max(...spans.map((one) => one.end)) - origin)
  const bar = { type: 'bar' as const, stack: 'span', silent: true }
  return draw(
    {
      animation: false,
      grid: { left: 110, right: 20, top: 6, bottom: 26 },
      xAxis: { type: 'value', ...timeAxis(span), splitLine: { lineStyle: { color: GRID } } },
      yAxis: { type: 'category', inverse: true, data: spans.map((one) => one.name), ...quietAxis() },
      series: [
        {
          ...bar,
          itemStyle: { color: 'transparent' },
          data: spans.map((one) => (one.start - origin) / span.seconds),
        },
        {
          ...bar,
          barWidth: 10,
          itemStyle: { color: VALUE, borderRadius: 2 },
          data: spans.map((one) => (one.end - one.start) / span.seconds),
        },
      ],
    },
    34 + spans.length * ROW,
    'when each gate looked',
    860,
  )
}

function courseOf(answers: CriterionAnswers | undefined): readonly RangeSeries[] {
  const found = answers?.answers.find(({ role, answer }) => role === 'series' && answer.kind === 'range')
  return found?.answer.kind === 'range' ? found.answer.data : []
}

/** Broken series first, so that none of them is cut off. */
function rowsOf({ series, value, bound, verdict }: CriterionResult): readonly BarRow[] {
  const rows = series.map((one) => ({
    name: one.series || 'value',
    value: one.value,
    bound: one.bound,
    isBroken: one.verdict === 'FAIL',
  }))
  const whole = { name: 'value', value, bound, isBroken: verdict === 'FAIL' }
  return (rows.length > 0 ? rows : [whole])
    .filter((row) => row.value !== null || row.bound !== null)
    .toSorted((a, b) => Number(b.isBroken) - Number(a.isBroken))
    .slice(0, BARS_MAX)
}

function barOption(rows: readonly BarRow[], { limit, unit }: CriterionResult): EChartsOption {
  const reach = Math.max(...rows.flatMap((row) => [row.value ?? 0, row.bound ?? 0]), limit ?? 0)
  return {
    animation: false,
    grid: { left: 110, right: 46, top: 14, bottom: 20 },
    xAxis: {
      type: 'value',
      min: (range) => Math.min(0, range.min),
      max: reach > 0 ? reach * 1.12 : 1,
      splitNumber: 3,
      axisLabel: {
        color: INK,
        fontSize: 10,
        hideOverlap: true,
        showMaxLabel: false,
        formatter: (value: number) => figure(value, unit),
      },
      splitLine: { lineStyle: { color: GRID } },
    },
    yAxis: { type: 'category', inverse: true, data: rows.map((row) => shorten(row.name)), ...quietAxis() },
    series: [
      {
        type: 'bar',
        barWidth: 8,
        itemStyle: { color: VALUE, borderRadius: 2 },
        data: rows.map(({ value, isBroken }) => ({
          value: value ?? '-',
          ...(isBroken ? { itemStyle: { color: BROKEN } } : {}),
        })),
        ...limitLine(limit, 'xAxis'),
      },
      {
        type: 'scatter',
        symbol: 'diamond',
        symbolSize: 9,
        itemStyle: { color: BOUND },
        data: rows.map((row) => row.bound),
      },
    ],
  }
}

interface Scale {
  readonly limit: number | null
  readonly unit: string
}

function lineOption(series: readonly RangeSeries[], { limit, unit }: Scale): EChartsOption {
  const times = series.flatMap((one) => one.values.map(([time]) => time))
  const origin = Math.min(...times)
  const span = spanOf(Math.max(...times) - origin)
  const values = series.flatMap((one) => one.values.map(([, value]) => Number(value)))
  const top = Math.max(...values.filter(Number.isFinite))
  // Drawn in MiB, bytes get round figures on their axis.
  const plot = unit.startsWith('bytes') ? 2 ** 20 : 1
  return {
    animation: false,
    color: LINES,
    grid: { left: 62, right: 34, top: 12, bottom: 44 },
    legend: {
      bottom: 0,
      itemWidth: 10,
      itemHeight: 3,
      itemGap: 20,
      icon: 'rect',
      textStyle: { color: INK, fontSize: 10 },
    },
    xAxis: { type: 'value', ...timeAxis(span), splitLine: { show: false }, axisTick: { show: false } },
    yAxis: {
      type: 'value',
      scale: true,
      splitNumber: 3,
      axisLabel: { color: INK, fontSize: 10, formatter: (value: number) => figure(value * plot, unit) },
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: GRID } },
    },
    series: series.map((one, index) => ({
      type: 'line',
      name: shorten(nameOf(one)),
      showSymbol: one.values.length < 3,
      lineStyle: { width: 1.5 },
      data: one.values.map(([time, value]) => [(time - origin) / span.seconds, Number(value) / plot]),
      // A limit far above the course would flatten it to nothing; the figures beside the chart name it.
      ...(index === 0 && limit !== null && limit <= top * 1.5 ? limitLine(limit / plot, 'yAxis') : {}),
    })),
  }
}

interface Span {
  readonly seconds: number
  readonly name: string
}

function spanOf(seconds: number): Span {
  return seconds > 3 * 3600 ? { seconds: 3600, name: 'h' } : { seconds: 60, name: 'min' }
}

function timeAxis({ name }: Span) {
  return {
    axisLabel: {
      color: INK,
      fontSize: 10,
      hideOverlap: true,
      showMaxLabel: false,
      formatter: `{value} ${name}`,
    },
    axisLine: { lineStyle: { color: GRID } },
  }
}

function limitLine(limit: number | null, axis: 'xAxis' | 'yAxis') {
  if (limit === null) return {}
  return {
    markLine: {
      silent: true,
      symbol: 'none',
      // Its default of two decimals would move a limit of 0.005 out of the picture.
      precision: 15,
      lineStyle: { color: LIMIT, width: 1.5, type: 'dashed' as const },
      // An axis of rows runs downwards, and so does its line.
      label: {
        color: LIMIT,
        fontSize: 10,
        formatter: 'limit',
        position: axis === 'xAxis' ? ('start' as const) : ('end' as const),
      },
      data: [{ [axis]: limit }],
    },
  }
}

function quietAxis() {
  return {
    axisLabel: { color: INK, fontSize: 11 },
    axisTick: { show: false },
    axisLine: { lineStyle: { color: GRID } },
  }
}

function nameOf(series: RangeSeries): string {
  return Object.values(series.labels).join(' ')
}

function shorten(name: string): string {
  return name.length <= 18 ? name : `${name.slice(0, 17)}…`
}

function draw(option: EChartsOption, height: number, title: string, width = WIDTH): Html {
  const svg = renderSvg(option, { width, height })
  return raw(
    `<figure class="chart" role="img" aria-label="${title.replaceAll(/["<>&]/gu, '')}">${svg}</figure>`,
  )
}

/** A drawing that is the same text for the same data. */
export function renderSvg(
  option: EChartsOption,
  size: { readonly width: number; readonly height: number },
): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size })
  try {
    chart.setOption({ textStyle: { fontFamily: 'inherit' }, ...option })
    return withoutCounters(chart.renderToSVGString())
  } finally {
    chart.dispose()
  }
}

/**
 * The library numbers its drawings from a counter of the process; the same data must give the same bytes. Names
 * that remain (clip paths) carry a digest of the drawing, as one page holds many. Hover styles go: nothing reacts.
 */
function withoutCounters(svg: string): string {
  const plain = svg
    .replaceAll(/<style >.*?<\/style>\s*/gsu, '')
    .replaceAll(/ (?:class|ecmeta_\w+)="[^"]*"/gu, '')
  const names = [...new Set(plain.match(/zr\d+-[a-z]+\d*/gu))]
  const numbered = plain.replaceAll(/zr\d+-[a-z]+\d*/gu, (name) => `zr-${names.indexOf(name)}`)
  return numbered.replaceAll(/zr-(\d+)/gu, `d${sha256(numbered).slice(0, 8)}-$1`)
}
