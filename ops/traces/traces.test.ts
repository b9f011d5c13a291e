import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryHome } from '../fixtures/test-host.ts'
import { CORRELATION_ATTRIBUTE, parseTraceLine, spansOfCorrelation } from './otlp-file.ts'
import { renderWaterfall } from './waterfall.ts'

interface Planted {
  readonly id: string
  readonly parent?: string
  readonly name: string
  readonly from: number
  readonly to: number
  readonly trace?: string
  readonly correlation?: string
  readonly failed?: boolean
}

/** One line of the Collector's file exporter. */
function batch(service: string, spans: readonly Planted[]): string {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } })
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [text('service.name', service)] },
        scopeSpans: [
          {
            spans: spans.map((span) => ({
              traceId: span.trace ?? 't1',
              spanId: span.id,
              parentSpanId: span.parent ?? '',
              name: span.name,
              kind: 2,
              startTimeUnixNano: String(1_770_000_000_000_000_000n + BigInt(span.from) * 1_000_000n),
              endTimeUnixNano: String(1_770_000_000_000_000_000n + BigInt(span.to) * 1_000_000n),
              status: span.failed === true ? { code: 2 } : {},
              attributes:
                span.correlation === undefined ? [] : [text(CORRELATION_ATTRIBUTE, span.correlation)],
            })),
          },
        ],
      },
    ],
  })
}

const ROOT = { id: 'a', name: 'POST /v1/chat', from: 0, to: 100, correlation: 'req_1' }

test('torn lines hold no spans', () => {
  assert.deepEqual(parseTraceLine('{"resourceSpans":[{'), [])
  assert.deepEqual(parseTraceLine('{}'), [])
})

test('a correlation id brings every span of its traces, also those that do not carry it, from all files', async (t) => {
  const folder = temporaryHome(t)
  const child = { id: 'b', parent: 'a', name: 'POST /search', from: 10, to: 40 }
  const stranger = { id: 'c', trace: 't2', name: 'other', from: 0, to: 1, correlation: 'req_2' }
  writeFileSync(join(folder, 'traces.jsonl'), `${batch('api-gateway', [ROOT, stranger])}\n{"torn`)
  writeFileSync(join(folder, 'traces-2026.jsonl'), `${batch('memory-engine', [child])}\n`)
  const spans = await spansOfCorrelation(folder, 'req_1')
  assert.deepEqual(new Set(spans.map((span) => span.spanId)), new Set(['a', 'b']))
  assert.deepEqual(await spansOfCorrelation(folder, 'req_3'), [])
  assert.deepEqual(await spansOfCorrelation(join(folder, 'nowhere'), 'req_1'), [])
})

test('the waterfall puts children below parents in order of start, marks failures, keeps orphans', () => {
  const spans = [
    ...parseTraceLine(
      batch('memory-engine', [{ id: 'c', parent: 'a', name: 'late', from: 60, to: 90, failed: true }]),
    ),
    ...parseTraceLine(batch('model-router', [{ id: 'b', parent: 'a', name: 'early', from: 10, to: 50 }])),
    ...parseTraceLine(batch('eva-os', [{ id: 'd', parent: 'gone', name: 'orphan', from: 95, to: 100 }])),
    ...parseTraceLine(batch('api-gateway', [ROOT])),
  ]
  const lines = renderWaterfall(spans).split('\n')
  assert.equal(lines[0], 'trace t1  4 spans, 4 services, 100.0 ms')
  assert.deepEqual(
    lines.slice(1, 5).map((line) => line.split('|')[0]?.trimEnd()),
    [
      'api-gateway POST /v1/chat (server)',
      '  model-router early (server)',
      '  memory-engine late (server) FAILED',
      'eva-os orphan (server)',
    ],
  )
  assert.match(lines[1] ?? '', /\|█{32}\| 100\.0 ms$/)
})
