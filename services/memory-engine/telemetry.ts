import { SpanKind } from '@opentelemetry/api'
import type { CallContext } from '#chassis/call-context.ts'
import type { ServiceContext } from '#chassis/define-service.ts'
import { BACKGROUND_OPERATIONS } from './database/operations.ts'
import { type PackedTimings, type StatementTiming, unpackTimings } from './database/timings.ts'

/** Statements of one request that become spans; beyond these the trace says no more than the histogram. */
const SPANS_MAX = 24

/** Brings what the threads measured into the histogram and the trace of the request that waited for it. */
export function createTimingObserver(
  ctx: Pick<ServiceContext<unknown>, 'metrics' | 'tracer'>,
): (packed: PackedTimings, call: CallContext | undefined) => void {
  const histogram = ctx.metrics.histogram('sonia_memory_db_query_duration_seconds')
  // A group of writes hands the same timings to each of its callers: they are counted once.
  const counted = new WeakSet<PackedTimings>()

  function addSpan({ operation, startedAtMs, durationMs }: StatementTiming, call: CallContext): void {
    const span = ctx.tracer.startSpan(
      `sqlite ${operation}`,
      {
        kind: SpanKind.CLIENT,
        startTime: startedAtMs,
        attributes: {
          'db.system.name': 'sqlite',
          'db.operation.name': operation,
          'sonia.correlation_id': call.correlationId,
        },
      },
      call.otel,
    )
    span.end(startedAtMs + durationMs)
  }

  return (packed, call) => {
    const timings = unpackTimings(packed)
    if (!counted.has(packed)) {
      counted.add(packed)
      for (const { operation, durationMs } of timings) histogram.observe({ operation }, durationMs / 1000)
    }
    if (call === undefined || !call.span.isRecording()) return
    const ofRequest = timings.filter(({ operation }) => !BACKGROUND_OPERATIONS.has(operation))
    for (const timing of ofRequest.slice(0, SPANS_MAX)) addSpan(timing, call)
  }
}
