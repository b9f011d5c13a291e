import {
  type Context,
  context as active,
  isSpanContextValid,
  type Span,
  type SpanContext,
  type SpanOptions,
  TraceFlags,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { RecordedSpan } from './recorded-span.ts'
import { createSpanIds } from './span-ids.ts'

/** Everything is sampled, but below a parent that is not. */
export function createTracerProvider(onEnd: (text: string) => void): TracerProvider {
  const tracer = new RecordingTracer(onEnd)
  return { getTracer: () => tracer }
}

class RecordingTracer implements Tracer {
  readonly #onEnd: (text: string) => void
  readonly #ids = createSpanIds()

  constructor(onEnd: (text: string) => void) {
    this.#onEnd = onEnd
  }

  startSpan(name: string, options: SpanOptions = {}, context: Context = active.active()): Span {
    const parent = options.root === true ? undefined : parentOf(context)
    const spanContext: SpanContext = {
      traceId: parent?.traceId ?? this.#ids.trace(),
      spanId: this.#ids.span(),
      traceFlags: parent === undefined ? TraceFlags.SAMPLED : parent.traceFlags & TraceFlags.SAMPLED,
      ...(parent?.traceState === undefined ? {} : { traceState: parent.traceState }),
    }
    if (spanContext.traceFlags === TraceFlags.NONE) return trace.wrapSpanContext(spanContext)
    return new RecordedSpan({
      context: spanContext,
      parent,
      name,
      kind: options.kind,
      attributes: options.attributes,
      links: options.links,
      startTime: options.startTime,
      onEnd: this.#onEnd,
    })
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, ...rest: unknown[]): ReturnType<F> {
    const run = rest.at(-1) as F
    const [options, given] = (rest.length === 1 ? [] : rest.slice(0, -1)) as [SpanOptions?, Context?]
    const parent = given ?? active.active()
    const span = this.startSpan(name, options, parent)
    return active.with(trace.setSpan(parent, span), run as never, undefined, span) as ReturnType<F>
  }
}

function parentOf(context: Context): SpanContext | undefined {
  const parent = trace.getSpanContext(context)
  return parent !== undefined && isSpanContextValid(parent) ? parent : undefined
}
