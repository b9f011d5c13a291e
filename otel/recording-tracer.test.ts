import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import {
  type Attributes,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { createTracerProvider } from './recording-tracer.ts'
import { SpanQueue } from './span-queue.ts'
import { createSpanSender } from './span-sender.ts'
import { requestFrame } from './span-text.ts'

fc.configureGlobal({ seed: 20261125 })

const RESOURCE = { 'service.name': 'probe', 'sonia.run_id': 'run "1"' }
const REMOTE = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true }
const UNSAMPLED = { ...REMOTE, traceFlags: 0 }

interface WireSpan extends Record<string, unknown> {
  readonly traceId: string
  readonly spanId: string
}

const received: { path: string | undefined; resource: unknown; spans: WireSpan[] }[] = []
const collector = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  request.on('end', () => {
    const body = JSON.parse(text) as {
      resourceSpans: { resource: unknown; scopeSpans: { spans: WireSpan[] }[] }[]
    }
    for (const { resource, scopeSpans } of body.resourceSpans)
      received.push({ path: request.url, resource, spans: scopeSpans.flatMap(({ spans }) => spans) })
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
})
let endpoint = ''
before(async () => {
  await once(collector.listen(0, '127.0.0.1'), 'listening')
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
})
after(() => collector.close())

/** What the Collector hears when `work` is done with our tracer, and when it is done with the SDK's. */
async function heardOf(work: (tracer: Tracer) => void): Promise<{ ours: unknown; theirs: unknown }> {
  received.length = 0
  const queue = new SpanQueue({
    sender: createSpanSender(endpoint, 5_000),
    frame: requestFrame(RESOURCE, 'sonia'),
  })
  work(createTracerProvider((span) => queue.add(span)).getTracer('sonia'))
  await queue.shutdown()
  const ours = received.map(comparable)
  received.length = 0
  const sdk = new TracerProvider({
    resource: resourceFromAttributes(RESOURCE),
    spanProcessors: [
      new SimpleSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }) }),
    ],
    spanLimits: { attributeValueLengthLimit: 1_024 },
  })
  work(sdk.getTracer('sonia'))
  await sdk.forceFlush()
  const theirs = received.map(comparable)
  await sdk.shutdown()
  return { ours: ours.length === 0 ? [] : merged(ours), theirs: theirs.length === 0 ? [] : merged(theirs) }
}

type Comparable = ReturnType<typeof comparable>

function merged(all: readonly Comparable[]): unknown {
  const spans = all.flatMap((one) => one.spans)
  return { path: all[0]?.path, resource: all[0]?.resource, spans: spans.toSorted(byName) }
}

const byName = (a: { name: unknown }, b: { name: unknown }) => String(a.name).localeCompare(String(b.name))

/** Without what differs by nature (ids of our own, times) and what proto3 may leave out. */
function comparable({ path, resource, spans }: (typeof received)[number]) {
  return {
    path,
    resource: (resource as { attributes: unknown }).attributes,
    spans: spans.map((span) => {
      assert.match(span.traceId, /^[0-9a-f]{32}$/)
      assert.match(span.spanId, /^[0-9a-f]{16}$/)
      const { spanId: _s, startTimeUnixNano: _a, endTimeUnixNano: _b, ...rest } = span
      const traceId = span.traceId === REMOTE.traceId ? span.traceId : 'new'
      return withoutDefaults({ ...rest, traceId, name: span['name'] })
    }),
  }
}

function withoutDefaults<T extends object>(value: T): T {
  const kept = Object.entries(value).filter(([key, entry]) => {
    if (key === 'status') return (entry as { code: number }).code !== 0
    if (key === 'timeUnixNano') return false
    return !(Array.isArray(entry) && entry.length === 0) && !(key.startsWith('dropped') && entry === 0)
  })
  return Object.fromEntries(
    kept.map(([key, entry]) => [
      key,
      key === 'events' || key === 'links' ? (entry as object[]).map(withoutDefaults) : entry,
    ]),
  ) as T
}

async function assertSame(work: (tracer: Tracer) => void): Promise<void> {
  const { ours, theirs } = await heardOf(work)
  assert.deepEqual(ours, theirs)
}

test('a span with everything a span can have reads as the SDK would have sent it', () =>
  assertSame((tracer) => {
    const parent = trace.setSpanContext(ROOT_CONTEXT, REMOTE)
    const attributes = Object.freeze({
      'http.route': '/x/:id',
      n: 3,
      f: 1.5,
      yes: true,
      list: ['a', 'b'],
      nums: [1, 2],
    })
    const link = { context: REMOTE, attributes: { why: 'because' } }
    const span = tracer.startSpan('GET /x/:id', { kind: SpanKind.SERVER, attributes, links: [link] }, parent)
    span.setAttribute('url.path', '/x/"7"\n').setAttributes({ n: 4, extra: 'é😀' })
    span.addEvent('seen', { at: 'door' }).addEvent('bare').addLink({ context: REMOTE })
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'TIMEOUT' })
    span.recordException({ name: 'TypeError', message: 'no', stack: 'at x' })
    span.updateName('other name')
    span.end()
    span.end()
    tracer.startSpan('a root').end()
    tracer.startSpan('its own root', { root: true, kind: SpanKind.CLIENT }, parent).end()
  }))

test('below a parent that is not sampled nothing is sent, and the trace goes on', async () => {
  await assertSame((tracer) => {
    const span = tracer.startSpan('quiet', {}, trace.setSpanContext(ROOT_CONTEXT, UNSAMPLED))
    assert.equal(span.isRecording(), false)
    assert.deepEqual([span.spanContext().traceId, span.spanContext().traceFlags], [UNSAMPLED.traceId, 0])
    span.end()
  })
})

test('whatever attributes hold, they read as the SDK would have sent them', async () => {
  const simple = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    // Beyond 2^53 the SDK writes floating numbers as integers, which no 64 bits hold.
    fc
      .double({ noNaN: true, min: -(2 ** 53) + 1, max: 2 ** 53 - 1 })
      .filter((value) => !Object.is(value, -0)),
    fc.boolean(),
  )
  const attributes = fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), simple, {
    maxKeys: 6,
    noNullPrototype: true,
  })
  await fc.assert(
    fc.asyncProperty(attributes, attributes, async (first: Attributes, later: Attributes) => {
      await assertSame((tracer) => {
        const span = tracer.startSpan('x', { attributes: first })
        span.setAttributes(later)
        span.end()
      })
    }),
    { numRuns: 40 },
  )
})

test('times are whole nanoseconds since the epoch, and a span lasts as long as it did', () => {
  const texts: string[] = []
  const tracer = createTracerProvider((text) => texts.push(text)).getTracer('x')
  const beforeMs = Date.now()
  tracer.startSpan('now').end()
  const tick = performance.now()
  tracer.startSpan('ticks', { startTime: tick }).end(tick + 12.345678)
  tracer.startSpan('hr', { startTime: [1_700_000_000, 999_999_999] }).end([1_700_000_001, 1])
  tracer.startSpan('date', { startTime: new Date(1_700_000_000_001) }).end(new Date(1_700_000_000_000))
  const times = texts.map((text) => {
    const span = JSON.parse(text) as { startTimeUnixNano: string; endTimeUnixNano: string }
    return [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)] as const
  })
  const lasted = times.map(([start, end]) => Number(end - start))
  assert.ok(Math.abs(Number(times[0]?.[0]) / 1e6 - beforeMs) < 1_000)
  assert.ok((lasted[0] ?? -1) >= 0)
  assert.ok(Math.abs((lasted[1] ?? 0) - 12_345_678) < 1_000, `${lasted[1]}`)
  assert.ok(Math.abs((lasted[2] ?? 0) - 2) < 1_000, `${lasted[2]}`)
  assert.equal(lasted[3], 0)
})

test('ids never repeat across the blocks they are drawn in', () => {
  const tracer = createTracerProvider(() => undefined).getTracer('x')
  const contexts = Array.from({ length: 2_000 }, () => tracer.startSpan('x').spanContext())
  assert.equal(new Set(contexts.map(({ traceId }) => traceId)).size, 2_000)
  assert.equal(new Set(contexts.map(({ spanId }) => spanId)).size, 2_000)
})
