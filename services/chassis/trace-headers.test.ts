import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultTextMapSetter, propagation, trace } from '@opentelemetry/api'
import {
  CompositePropagator,
  TraceState,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { startCall } from './call-context.ts'
import { systemClock } from './clock.ts'
import { ROOT } from './linked-context.ts'
import { traceHeaders } from './tracing.ts'

const standard = new CompositePropagator({
  propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
})
propagation.setGlobalPropagator(standard)

const IDS = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
const call = startCall({ timeoutMs: 1_000 }, systemClock, () => 'made-id-1')
const baggage = propagation.createBaggage({ tenant: { value: 'é "x"' } })
const { correlationId, deadlineAtMs, signal, caller, span: callSpan } = call
const withBaggage = {
  correlationId,
  deadlineAtMs,
  signal,
  caller,
  span: callSpan,
  otel: propagation.setBaggage(ROOT, baggage),
}

for (const [what, context, given] of [
  ['a sampled span', { ...IDS, traceFlags: 1 }, call],
  ['a span that is not sampled', { ...IDS, traceFlags: 0 }, call],
  ['no trace at all', { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }, call],
  ['a trace state', { ...IDS, traceFlags: 1, traceState: new TraceState('vendor=1') }, call],
  ['baggage', { ...IDS, traceFlags: 1 }, withBaggage],
] as const) {
  test(`the headers of a call with ${what} are those of the standard propagators`, () => {
    const span = trace.wrapSpanContext(context)
    const theirs: Record<string, string> = {}
    standard.inject(trace.setSpan(given.otel, span), theirs, defaultTextMapSetter)
    assert.deepEqual(traceHeaders(span, given), theirs)
  })
}

test('a context that was added to keeps what it had, and its parent keeps nothing of what was added', () => {
  const [first, second] = [Symbol('first'), Symbol('second')]
  const parent = ROOT.setValue(first, 1)
  const child = parent.setValue(second, 2).setValue(first, 3)
  assert.deepEqual([child.getValue(first), child.getValue(second)], [3, 2])
  assert.deepEqual([parent.getValue(first), parent.getValue(second)], [1, undefined])
  assert.equal(child.deleteValue(second).getValue(second), undefined)
})
