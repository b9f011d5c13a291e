import type { CustomSeriesOption, EChartsOption } from 'echarts'
import { renderSvg } from '#gates/report/charts.ts'
import { type BarPanel, type Curve, panelsOf } from './bench-panels.ts'

const WIDTH = 860
const LEFT = 330
const RIGHT = 60
const ROW = 22
const TITLE = 34
const AXIS = 30
const CURVE_HEIGHT = 300
const VALUE = '#3b6ea5'
const BOUND = '#b3261e'
const INK = '#444444'
const GRID = '#d8d8d8'
const LINES = ['#3b6ea5', '#b3261e', '#4d8c57', '#8a5fa8', '#c27c1a', '#5b6770']
const FONT = 11

/** The JSON text of a bench as one drawing: bars with their intervals and bounds, and curves on logarithmic axes. */
export function drawResult(name: string, json: string): string {
  const { bars, curves } = panelsOf(JSON.parse(json))
  const parts: PartsOfChart[] = []
  let top = 2 * TITLE
  for (const panel of [...curves.map(partsOfCurve), ...bars.map(partsOfBars)]) {
    parts.push(panel(parts.length, top))
    top += parts.at(-1)?.height ?? 0
  }
  const option: EChartsOption = {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: [titleAt(name, 10, 15), ...parts.map(({ title }) => title)],
    legend: parts.flatMap(({ legend }) => legend),
    grid: parts.map(({ grid }) => grid),
    xAxis: parts.map(({ x }) => x) as NonNullable<EChartsOption['xAxis']>,
    yAxis: parts.map(({ y }) => y) as NonNullable<EChartsOption['yAxis']>,
    series: parts.flatMap(({ series }) => series),
  }
  return renderSvg(option, { width: WIDTH, height: top + AXIS })
}

interface PartsOfChart {
  readonly height: number
  readonly title: object
  readonly legend: readonly object[]
  readonly grid: object
  readonly x: object
  readonly y: object
  readonly series: readonly NonNullable<Extract<EChartsOption['series'], readonly unknown[]>>[number][]
}

type Place = (gridIndex: number, top: number) => PartsOfChart

const label = { color: INK, fontSize: FONT, hideOverlap: true }
const line = { lineStyle: { color: GRID } }

function partsOfBars({ title, rows }: BarPanel): Place {
  return (gridIndex, top) => {
    const axes = { xAxisIndex: gridIndex, yAxisIndex: gridIndex }
    return {
      height: TITLE + rows.length * ROW + AXIS,
      title: titleAt(title === '' ? 'ratio' : title, top, 12),
      legend: [],
      grid: { left: LEFT, right: RIGHT, top: top + TITLE, height: rows.length * ROW },
      x: { type: 'value', gridIndex, axisLabel: label, splitLine: line },
      y: {
        type: 'category',
        gridIndex,
        inverse: true,
        data: rows.map(({ name }) => name),
        axisLabel: { color: INK, fontSize: FONT, width: LEFT - 20, overflow: 'truncate' },
        axisTick: { show: false },
        axisLine: line,
      },
      series: [
        {
          type: 'bar',
          ...axes,
          barWidth: 9,
          itemStyle: { color: VALUE },
          data: rows.map(({ interval }) => (Number.isFinite(interval.value) ? interval.value : '-')),
        },
        spread(
          axes,
          rows.map(({ interval }, row) => [row, interval.low, interval.high]),
        ),
        {
          type: 'scatter',
          ...axes,
          symbol: 'diamond',
          symbolSize: 9,
          itemStyle: { color: BOUND },
          data: rows.map(({ bound }) => bound ?? null),
        },
      ],
    }
  }
}

/** From the lower to the upper end of an interval, across the bar of its row. */
function spread(axes: object, data: readonly (readonly number[])[]): CustomSeriesOption {
  return {
    type: 'custom',
    ...axes,
    data: data.map((row) => [...row]),
    encode: { x: [1, 2], y: 0 },
    renderItem: (_params, api) => {
      const [x1 = 0, y = 0] = api.coord([api.value(1), api.value(0)])
      const [x2 = 0] = api.coord([api.value(2), api.value(0)])
      return { type: 'line', shape: { x1, y1: y, x2, y2: y }, style: { stroke: '#111111', lineWidth: 1.5 } }
    },
  }
}

function partsOfCurve({ title, size, unit, lines }: Curve): Place {
  return (gridIndex, top) => ({
    height: TITLE + CURVE_HEIGHT + 2 * AXIS,
    title: titleAt(title, top, 12),
    // Names are one drawing's: each curve has its own.
    legend: [
      {
        top: top + 12,
        right: RIGHT,
        data: lines.map(({ name }) => `${title}: ${name}`),
        formatter: (name: string) => name.slice(title.length + 2),
        ...legendStyle,
      },
    ],
    grid: { left: 90, right: RIGHT, top: top + TITLE + 8, height: CURVE_HEIGHT - AXIS },
    x: { type: 'log', gridIndex, name: size, ...curveAxis },
    y: { type: 'log', gridIndex, name: unit, ...curveAxis },
    series: lines.map(({ name, points }, index) => ({
      type: 'line' as const,
      name: `${title}: ${name}`,
      xAxisIndex: gridIndex,
      yAxisIndex: gridIndex,
      symbolSize: 6,
      itemStyle: { color: LINES[index % LINES.length] ?? VALUE },
      data: points.map(({ size: at, value }) => [at, value]),
    })),
  })
}

const curveAxis = {
  axisLabel: label,
  nameTextStyle: { color: INK, fontSize: FONT },
  nameLocation: 'end' as const,
  splitLine: line,
}

const legendStyle = { itemHeight: 3, icon: 'rect', textStyle: { color: INK, fontSize: FONT } }

function titleAt(text: string, top: number, fontSize: number) {
  return { text, left: 10, top, textStyle: { color: '#222222', fontSize, fontWeight: 600 as const } }
}
