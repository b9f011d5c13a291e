import {
  type Attributes,
  type AttributeValue,
  type Exception,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
} from '@opentelemetry/api'
import { type SpanEvent, spanText } from './span-text.ts'

export interface SpanStart {
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly name: string
  readonly kind: SpanKind | undefined
  readonly attributes: Attributes | undefined
  readonly links: readonly Link[] | undefined
  readonly startTime: TimeInput | undefined
  /** Takes the text of the span when it has ended. */
  readonly onEnd: (text: string) => void
}

const NO_ATTRIBUTES: Attributes = Object.freeze({})
const NO_LINKS: readonly Link[] = []
const NO_EVENTS: readonly SpanEvent[] = []
const UNSET: SpanStatus = { code: SpanStatusCode.UNSET }
/** What a span may gather; beyond that it says no more. */
const EVENTS_MAX = 128

/**
 * A span of the OpenTelemetry API that becomes the text of its export when it ends. The SDK's own keeps objects until a
 * batch is full, copies attributes twice, and asks each clock per span: 9 us of a request, against 2 (docs/performance.md).
 */
export class RecordedSpan implements Span {
  readonly #start: SpanStart
  readonly #startedAtMs: number
  readonly #startTick: number
  #name: string
  #later: Attributes | undefined
  #links: readonly Link[]
  #events = NO_EVENTS
  #status = UNSET
  #ended = false

  constructor(start: SpanStart) {
    this.#start = start
    this.#name = start.name
    this.#links = start.links ?? NO_LINKS
    this.#startTick = performance.now()
    this.#startedAtMs = start.startTime === undefined ? Date.now() : epochMs(start.startTime)
  }

  spanContext(): SpanContext {
    return this.#start.context
  }

  setAttribute(key: string, value: AttributeValue): this {
    this.#later ??= {}
    this.#later[key] = value
    return this
  }

  setAttributes(attributes: Attributes): this {
    this.#later = { ...this.#later, ...attributes }
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (this.#events.length >= EVENTS_MAX) return this
    const isTime = attributesOrTime !== undefined && isTimeInput(attributesOrTime)
    const at = isTime ? attributesOrTime : time
    const attributes = isTime ? NO_ATTRIBUTES : (attributesOrTime ?? NO_ATTRIBUTES)
    this.#events = [
      ...this.#events,
      { name, atMs: at === undefined ? this.#nowMs() : epochMs(at), attributes },
    ]
    return this
  }

  addLink(link: Link): this {
    this.#links = [...this.#links, link]
    return this
  }

  addLinks(links: Link[]): this {
    this.#links = [...this.#links, ...links]
    return this
  }

  setStatus(status: SpanStatus): this {
    if (status.code !== SpanStatusCode.UNSET && this.#status.code !== SpanStatusCode.OK) this.#status = status
    return this
  }

  updateName(name: string): this {
    this.#name = name
    return this
  }

  isRecording(): boolean {
    return !this.#ended
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const { name, message, stack } =
      typeof exception === 'string' ? { name: undefined, message: exception, stack: undefined } : exception
    const attributes: Attributes = {
      'exception.type': name,
      'exception.message': message,
      'exception.stacktrace': stack,
    }
    this.addEvent('exception', attributes, time)
  }

  end(endTime?: TimeInput): void {
    if (this.#ended) return
    this.#ended = true
    const { context, parent, kind = SpanKind.INTERNAL, attributes = NO_ATTRIBUTES, onEnd } = this.#start
    onEnd(
      spanText({
        context,
        parent,
        name: this.#name,
        kind,
        startedAtMs: this.#startedAtMs,
        durationMs: Math.max(0, this.#durationMs(endTime)),
        attributes,
        laterAttributes: this.#later,
        events: this.#events,
        links: this.#links,
        status: this.#status,
      }),
    )
  }

  #durationMs(endTime: TimeInput | undefined): number {
    const { startTime } = this.#start
    // Two ticks of one clock need no wall clock between them, whose milliseconds are whole.
    if (typeof startTime === 'number' && typeof endTime === 'number') return endTime - startTime
    return (endTime === undefined ? this.#nowMs() : epochMs(endTime)) - this.#startedAtMs
  }

  #nowMs(): number {
    // Where the start was given, it was read from some clock before this span was made.
    if (this.#start.startTime !== undefined) return Date.now()
    return this.#startedAtMs + performance.now() - this.#startTick
  }
}

function isTimeInput(value: Attributes | TimeInput): value is TimeInput {
  return typeof value === 'number' || value instanceof Date || Array.isArray(value)
}

/** Small numbers are ticks of `performance`, as the API has it. */
function epochMs(time: TimeInput): number {
  if (Array.isArray(time)) return time[0] * 1e3 + time[1] / 1e6
  if (time instanceof Date) return time.getTime()
  return time <= performance.now() ? Date.now() - performance.now() + time : time
}
