import type { TraceSpan } from './otlp-file.ts'

const KINDS: Readonly<Record<number, string>> = { 2: 'server', 3: 'client' }
const BAR_WIDTH = 32
const NS_PER_MS = 1e6

/** The spans of one or more traces as an indented list with bars on a common time axis. */
export function renderWaterfall(spans: readonly TraceSpan[]): string {
  const traceIds = [...new Set(spans.toSorted(byStart).map((span) => span.traceId))]
  return traceIds.map((traceId) => renderTrace(spans.filter((span) => span.traceId === traceId))).join('\n')
}

function renderTrace(spans: readonly TraceSpan[]): string {
  const start = minimum(spans.map((span) => span.startNs))
  const end = maximum(spans.map((span) => span.endNs))
  const axis = { start, total: Math.max(1, Number(end - start)) }
  const rows = inTreeOrder(spans)
  const width = Math.max(...rows.map((row) => labelOf(row).length))
  const services = new Set(spans.map((span) => span.service)).size
  const head = `trace ${spans[0]?.traceId}  ${spans.length} spans, ${services} services, ${milliseconds(axis.total)}`
  return [head, ...rows.map((row) => `${labelOf(row).padEnd(width)} ${barOf(row.span, axis)}`), ''].join('\n')
}

interface Row {
  readonly span: TraceSpan
  readonly depth: number
}

/** Parents before children, siblings by start; a span whose parent was not recorded stands at the root. */
function inTreeOrder(spans: readonly TraceSpan[]): readonly Row[] {
  const ids = new Set(spans.map((span) => span.spanId))
  const rows: Row[] = []
  const addBelow = (parent: string | undefined, depth: number) => {
    for (const span of spans.toSorted(byStart)) {
      const known =
        span.parentSpanId !== undefined && ids.has(span.parentSpanId) ? span.parentSpanId : undefined
      if (known !== parent) continue
      rows.push({ span, depth })
      addBelow(span.spanId, depth + 1)
    }
  }
  addBelow(undefined, 0)
  return rows
}

function labelOf({ span, depth }: Row): string {
  const kind = KINDS[span.kind]
  return `${'  '.repeat(depth)}${span.service} ${span.name}${kind === undefined ? '' : ` (${kind})`}${span.failed ? ' FAILED' : ''}`
}

function barOf(span: TraceSpan, axis: { start: bigint; total: number }): string {
  const from = Math.round((Number(span.startNs - axis.start) / axis.total) * (BAR_WIDTH - 1))
  const length = Math.max(1, Math.round((Number(span.endNs - span.startNs) / axis.total) * BAR_WIDTH))
  const bar = `${' '.repeat(from)}${'█'.repeat(Math.min(length, BAR_WIDTH - from))}`
  return `|${bar.padEnd(BAR_WIDTH)}| ${milliseconds(Number(span.endNs - span.startNs))}`
}

function milliseconds(nanoseconds: number): string {
  return `${(nanoseconds / NS_PER_MS).toFixed(1)} ms`
}

function byStart(a: TraceSpan, b: TraceSpan): number {
  if (a.startNs === b.startNs) return 0
  return a.startNs < b.startNs ? -1 : 1
}

function minimum(values: readonly bigint[]): bigint {
  return values.reduce((least, value) => (value < least ? value : least))
}

function maximum(values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most))
}
