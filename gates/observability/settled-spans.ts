import { readSpans, CORRELATION_ATTRIBUTE } from '#ops/traces/otlp-file.ts'
import { type GateContext, pause } from '../runners/gate-context.ts'
import { indexSpans, type TraceIndex } from './crossed-services.ts'
import type { SentRequest } from './known-requests.ts'

const WAIT_MS = 10_000
const POLL_MS = 500

/** All spans the Collector has, once every request has one, or when the time is up. */
export async function settledSpans(
  context: GateContext,
  requests: readonly SentRequest[],
): Promise<TraceIndex> {
  const { host, watch } = context
  const untilMs = host.clock.monotonicMs() + WAIT_MS
  for (;;) {
    const spans = await readSpans(watch.collectorFolder, () => true)
    const ids = new Set(spans.map(({ attributes }) => attributes[CORRELATION_ATTRIBUTE]))
    const isSettled = requests.every(({ correlationId }) => ids.has(correlationId))
    if (isSettled || host.clock.monotonicMs() > untilMs) return indexSpans(spans)
    await pause(context, POLL_MS)
  }
}
