import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** One span as the Collector's file exporter wrote it. */
export interface TraceSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly service: string
  readonly name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly startNs: bigint
  readonly endNs: bigint
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, string>>
  /** Spans this one points at without being their child, as a voice message points at its session. */
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
}

export const CORRELATION_ATTRIBUTE = 'sonia.correlation_id'

/** All spans in the folder's files, rotated ones too, that `wanted` takes. A torn last line is skipped. */
export async function readSpans(
  folder: string,
  wanted: (span: TraceSpan) => boolean,
): Promise<readonly TraceSpan[]> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jsonl')) : []
  const perFile = await Promise.all(files.map((name) => spansOfFile(join(folder, name), wanted)))
  return perFile.flat()
}

/** Every span of every trace in which the correlation id occurs. */
export async function spansOfCorrelation(
  folder: string,
  correlationId: string,
): Promise<readonly TraceSpan[]> {
  const named = await readSpans(folder, (span) => span.attributes[CORRELATION_ATTRIBUTE] === correlationId)
  const traceIds = new Set(named.map((span) => span.traceId))
  if (traceIds.size === 0) return []
  return readSpans(folder, (span) => traceIds.has(span.traceId))
}

async function spansOfFile(
  path: string,
  wanted: (span: TraceSpan) => boolean,
): Promise<readonly TraceSpan[]> {
  const spans: TraceSpan[] = []
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    for (const span of parseTraceLine(line)) if (wanted(span)) spans.push(span)
  }
  return spans
}

interface OtlpAttribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind?: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status?: { readonly code?: number }
  readonly attributes?: readonly OtlpAttribute[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
}

interface OtlpLine {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] }
    readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[]
  }[]
}

const STATUS_ERROR = 2

/** One line of the file exporter: OTLP JSON of one batch. */
export function parseTraceLine(line: string): readonly TraceSpan[] {
  const batch = parseJson(line)
  return (batch?.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const service = attributesOf(resource?.attributes)['service.name'] ?? 'unknown'
    return (scopeSpans ?? []).flatMap((scope) => (scope.spans ?? []).map((span) => spanOf(service, span)))
  })
}

function parseJson(line: string): OtlpLine | undefined {
  try {
    return JSON.parse(line) as OtlpLine
  } catch {
    return undefined
  }
}

function spanOf(service: string, span: OtlpSpan): TraceSpan {
  const { traceId, spanId, parentSpanId, name } = span
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId === '' ? undefined : parentSpanId,
    service,
    name,
    kind: span.kind ?? 0,
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
    failed: span.status?.code === STATUS_ERROR,
    attributes: attributesOf(span.attributes),
    links: (span.links ?? []).map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
  }
}

function attributesOf(attributes: readonly OtlpAttribute[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (attributes ?? []).map(({ key, value }) => [key, String(Object.values(value)[0])]),
  )
}
