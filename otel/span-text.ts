import { type Attributes, type Link, type SpanContext, SpanKind } from '@opentelemetry/api'

/** A finished span, as OTLP wants to hear of it. */
export interface FinishedSpan {
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly startedAtMs: number
  readonly durationMs: number
  readonly attributes: Attributes
  /** Set after the start; these win. */
  readonly laterAttributes: Attributes | undefined
  readonly events: readonly SpanEvent[]
  readonly links: readonly Link[]
  readonly status: { readonly code: number; readonly message?: string }
}

export interface SpanEvent {
  readonly name: string
  readonly atMs: number
  readonly attributes: Attributes
}

const TEXT_CHARS_MAX = 1_024
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

/** One span in the JSON of OTLP 1.x. Fields that hold their default are left out, as proto3 allows. */
export function spanText(span: FinishedSpan): string {
  const { context, parent, status, startedAtMs, events, links } = span
  return (
    `{"traceId":"${context.traceId}","spanId":"${context.spanId}${parent === undefined ? '' : `","parentSpanId":"${parent.spanId}`}` +
    `","startTimeUnixNano":"${startText(startedAtMs)}","endTimeUnixNano":"${nanosText(startedAtMs, span.durationMs)}",` +
    headText(span) +
    attributesOf(span) +
    (status.code === 0 ? ']' : `],"status":${JSON.stringify(status)}`) +
    (events.length === 0 ? '' : eventsText(events)) +
    (links.length === 0 ? '}' : `${linksText(links)}}`)
  )
}

/** What stands around the spans of one request to the Collector. */
export function requestFrame(
  resource: Attributes,
  scope: string,
): { readonly head: string; readonly tail: string } {
  const head =
    `{"resourceSpans":[{"resource":{"attributes":[${attributesText(resource)}]}` +
    `,"scopeSpans":[{"scope":{"name":${JSON.stringify(scope)}},"spans":[`
  return { head, tail: ']}]}]}' }
}

/** Flags, name and kind: of a few dozen different ones. */
function headText({ context, parent, name, kind }: FinishedSpan): string {
  const key = name + kind + (parent?.isRemote === true ? 'r' : 'l')
  let text = headTexts.get(key)
  if (text === undefined) {
    text = `"flags":${flagsOf(context, parent)},"name":${JSON.stringify(name)},"kind":${kind + 1},"attributes":[`
    if (headTexts.size < CACHED_MAX) headTexts.set(key, text)
  }
  return text
}

const headTexts = new Map<string, string>()
/** Names and keys come from our own code; should one not, the texts of the first ones are enough. */
const CACHED_MAX = 1_000

function flagsOf(context: SpanContext, parent: SpanContext | undefined): number {
  return context.traceFlags | HAS_IS_REMOTE | (parent?.isRemote === true ? IS_REMOTE : 0)
}

let startedLastMs = -1
let startedLastText = ''

/** Starts have whole milliseconds, and many have the same. */
function startText(epochMs: number): string {
  if (epochMs !== startedLastMs) {
    startedLastMs = epochMs
    startedLastText = nanosText(epochMs, 0)
  }
  return startedLastText
}

/** Nanoseconds since the epoch do not fit a number: whole milliseconds and what is beyond them are put side by side. */
function nanosText(epochMs: number, laterMs: number): string {
  const wholeMs = Math.floor(epochMs)
  const nanos = Math.round((epochMs - wholeMs + laterMs) * 1e6)
  const carriedMs = Math.floor(nanos / 1e6)
  return `${wholeMs + carriedMs}${String(1e6 + nanos - carriedMs * 1e6).slice(1)}`
}

const frozenTexts = new WeakMap<Attributes, string>()

/** Frozen attributes belong to a route or an operation, not to one span: they are put into text once. */
function attributesOf({ attributes: given, laterAttributes: later }: FinishedSpan): string {
  if (later === undefined) return givenText(given)
  for (const key in later) if (key in given) return attributesText({ ...given, ...later })
  const first = givenText(given)
  const second = attributesText(later)
  return first === '' || second === '' ? first + second : `${first},${second}`
}

function givenText(given: Attributes): string {
  if (!Object.isFrozen(given)) return attributesText(given)
  let text = frozenTexts.get(given)
  if (text === undefined) {
    text = attributesText(given)
    frozenTexts.set(given, text)
  }
  return text
}

const keyTexts = new Map<string, string>()

function attributesText(attributes: Attributes): string {
  let text = ''
  for (const key in attributes) {
    const value = valueText(attributes[key])
    if (value !== undefined) text += `${text === '' ? '' : ','}${keyText(key)}${value}}`
  }
  return text
}

function keyText(key: string): string {
  let text = keyTexts.get(key)
  if (text === undefined) {
    text = `{"key":${JSON.stringify(key)},"value":`
    if (keyTexts.size < CACHED_MAX) keyTexts.set(key, text)
  }
  return text
}

/** Undefined for what a span cannot hold: it is left out. */
function valueText(value: unknown): string | undefined {
  if (typeof value === 'string') {
    const bounded = value.length > TEXT_CHARS_MAX ? value.slice(0, TEXT_CHARS_MAX) : value
    return `{"stringValue":${JSON.stringify(bounded)}}`
  }
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean') return `{"boolValue":${value}}`
  return Array.isArray(value) ? arrayText(value) : undefined
}

function numberText(value: number): string | undefined {
  if (Number.isSafeInteger(value)) return `{"intValue":${value}}`
  return Number.isFinite(value) ? `{"doubleValue":${value}}` : undefined
}

function arrayText(values: readonly unknown[]): string {
  return `{"arrayValue":{"values":[${values.map((value) => valueText(value) ?? '{}').join(',')}]}}`
}

function eventsText(events: readonly SpanEvent[]): string {
  const texts = events.map(
    ({ name, atMs, attributes }) =>
      `{"timeUnixNano":"${nanosText(atMs, 0)}","name":${JSON.stringify(name)},"attributes":[${attributesText(attributes)}]}`,
  )
  return `,"events":[${texts.join(',')}]`
}

function linksText(links: readonly Link[]): string {
  const texts = links.map(({ context, attributes = {} }) => {
    const flags = flagsOf(context, context)
    return `{"traceId":"${context.traceId}","spanId":"${context.spanId}","attributes":[${attributesText(attributes)}],"flags":${flags}}`
  })
  return `,"links":[${texts.join(',')}]`
}
