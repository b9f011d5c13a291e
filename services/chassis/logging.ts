import { trace } from '@opentelemetry/api'
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { activeCall } from './call-context.ts'
import type { Clock } from './clock.ts'
import { isErrorCode, ServiceError } from './errors.ts'
import { redact, redactText } from './redaction.ts'

export type Logger = PinoLogger

export interface LogSettings {
  readonly service: string
  readonly runId: string
  readonly level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'
  readonly clock: Clock
  readonly destination: DestinationStream
  /** Called once per written line, for sonia_log_lines_total. */
  readonly onLine: (level: string) => void
}

/** Fields a line may carry by name; everything else a caller gives is folded into `response`. */
const OWN_FIELDS = new Set([
  'correlation_id',
  'operation',
  'duration_ms',
  'status_code',
  'request',
  'response',
  'error',
  'err',
  'trace_id',
  'span_id',
])

/** What the chassis says about each request, known field by field. */
interface AccessLine {
  readonly correlation_id: string
  readonly duration_ms: number
  readonly status_code: number
  readonly code: string
  readonly error: LoggedError | null
  readonly request_bytes: number
  readonly content: { readonly request: unknown; readonly response: unknown } | undefined
  readonly trace_id: string
  readonly span_id: string
}

export interface AccessLog {
  /** The writer of one route's lines. */
  forOperation(operation: string): (level: LogSettings['level'], line: AccessLine) => void
}

/**
 * One line per request, the hot one: put together here from a few prepared texts rather than by pino, which took a third
 * of what a request cost. Names, order and escaping are pino's; a test compares the two. All of it is the chassis' own
 * text, so it goes past folding and redaction; ids are of letters and digits by construction (correlation.ts, the tracer).
 */
export function createAccessLog(settings: LogSettings): AccessLog {
  const threshold = LEVELS.indexOf(settings.level)
  const timestamp = createTimestamp(settings.clock, '","correlation_id":"')
  const constant = `"service":${JSON.stringify(settings.service)},"run_id":${JSON.stringify(settings.runId)}`
  const heads = LEVELS.map((level) => `{"level":"${level}",${constant}`)
  return {
    forOperation(operation) {
      const middle = `","operation":${JSON.stringify(operation)},"duration_ms":`
      return (level, line) => {
        const rank = LEVELS.indexOf(level)
        if (rank < threshold) return
        settings.onLine(level)
        const ids = isZeros(line.trace_id)
          ? `null,"span_id":null${END}`
          : `"${line.trace_id}","span_id":"${line.span_id}"${END}`
        settings.destination.write(
          heads[rank] +
            timestamp() +
            line.correlation_id +
            middle +
            Math.round(line.duration_ms * 1000) / 1000 +
            outcomeText(line) +
            ids,
        )
      }
    },
  }
}

const LEVELS: readonly LogSettings['level'][] = ['DEBUG', 'INFO', 'WARN', 'ERROR']
const END = ',"message":"request finished"}\n'

/** Nearly every request ends in one of a few ways, and without a body. */
const commonOutcomes = new Map<string, string>()
const COMMON_MAX = 200

function outcomeText(line: AccessLine): string {
  const { content, error, code, status_code: status, request_bytes: bytes } = line
  if (content !== undefined || error !== null || bytes !== 0) return outcome(line)
  const key = code + status
  let text = commonOutcomes.get(key)
  if (text === undefined) {
    text = outcome(line)
    if (commonOutcomes.size < COMMON_MAX) commonOutcomes.set(key, text)
  }
  return text
}

function outcome({ content, error, code, status_code: status, request_bytes: bytes }: AccessLine): string {
  const request = content === undefined ? { bytes } : { bytes, content: redact(content.request) }
  const response = content === undefined ? { code } : { code, content: redact(content.response) }
  return `,"status_code":${status},"request":${JSON.stringify(request)},"response":${JSON.stringify(response)},"error":${JSON.stringify(error)},"trace_id":`
}

/** The log of one service: JSON lines with exactly the published fields, redacted, with the ids of the call at hand. */
export function createLogger(settings: LogSettings): Logger {
  return pino(
    {
      level: settings.level.toLowerCase(),
      base: null,
      messageKey: 'message',
      timestamp: createTimestamp(settings.clock),
      formatters: {
        // Pino asks once per level and keeps the text, so the constant fields cost nothing per line.
        level: (label) => ({
          level: label.toUpperCase(),
          service: settings.service,
          run_id: settings.runId,
        }),
        log: (fields) => logFields(fields, settings.level === 'DEBUG'),
      },
      hooks: {
        logMethod(args, method, level) {
          settings.onLine(pino.levels.labels[level]?.toUpperCase() ?? 'INFO')
          method.apply(this, fieldsAndMessage(args) as never)
        },
      },
    },
    settings.destination,
  )
}

/** A bare text or error is a line like any other: it gets the fields too, and a message. */
function fieldsAndMessage(args: readonly unknown[]): [object, string] {
  const [first, second] = args
  if (typeof first === 'string') return [{}, redactText(first)]
  if (first instanceof Error)
    return [{ error: first }, typeof second === 'string' ? redactText(second) : first.name]
  return [(first as object | undefined) ?? {}, typeof second === 'string' ? redactText(second) : '']
}

/** ISO time with milliseconds and Z; the text, with what follows it, is made once per millisecond. */
function createTimestamp(clock: Clock, then = '"'): () => string {
  let lastMs = -1
  let text = ''
  return () => {
    const nowMs = clock.nowMs()
    if (nowMs !== lastMs) {
      lastMs = nowMs
      text = `,"timestamp":"${new Date(nowMs).toISOString()}${then}`
    }
    return text
  }
}

function logFields(given: Record<string, unknown>, withStack: boolean): Record<string, unknown> {
  const call = activeCall()
  const span = (trace.getActiveSpan() ?? call?.span)?.spanContext()
  const field = (name: string, otherwise: unknown = null) => given[name] ?? otherwise
  return {
    correlation_id: field('correlation_id', call?.correlationId ?? null),
    operation: field('operation'),
    duration_ms: field('duration_ms'),
    status_code: field('status_code'),
    request: redact(field('request')),
    response: redact(withExtras(given)),
    error: errorField(field('error', given['err']), withStack),
    trace_id: field('trace_id', validId(span?.traceId)),
    span_id: field('span_id', validId(span?.spanId)),
  }
}

function validId(id: string | undefined): string | null {
  return id === undefined || isZeros(id) ? null : id
}

function isZeros(id: string): boolean {
  return id.startsWith('0') && /^0+$/.test(id)
}

function withExtras(given: Record<string, unknown>): unknown {
  const extras = Object.entries(given).filter(([key]) => !OWN_FIELDS.has(key))
  const response = given['response'] ?? null
  if (extras.length === 0) return response
  const base = typeof response === 'object' && response !== null ? response : { value: response }
  return { ...(response === null ? {} : base), ...Object.fromEntries(extras) }
}

export interface LoggedError {
  readonly code: string
  readonly message: string
  readonly stack?: string
}

/** An error as the log shows it: the inner causes in the message, the stack only while debugging. */
export function errorField(error: unknown, withStack: boolean): LoggedError | null {
  if (error === undefined || error === null) return null
  if (!(error instanceof Error)) return plainError(error)
  const field = { code: errorCode(error), message: redactText(messageChain(error)) }
  return withStack && error.stack !== undefined ? { ...field, stack: redactText(error.stack) } : field
}

function plainError(error: unknown): LoggedError {
  if (typeof error !== 'object' || error === null)
    return { code: 'INTERNAL_ERROR', message: redactText(String(error)) }
  const { code, message } = error as { code?: unknown; message?: unknown }
  return {
    code: typeof code === 'string' ? code : 'INTERNAL_ERROR',
    message: typeof message === 'string' ? redactText(message) : '',
  }
}

function errorCode(error: Error): string {
  if (error instanceof ServiceError) return error.code
  const { code } = error as { code?: unknown }
  return isErrorCode(code) ? code : 'INTERNAL_ERROR'
}

function messageChain(error: Error, depth = 0): string {
  const system = (error as NodeJS.ErrnoException).code
  const own =
    system === undefined || error instanceof ServiceError ? error.message : `${error.message} (${system})`
  return error.cause instanceof Error && depth < 4 ? `${own}: ${messageChain(error.cause, depth + 1)}` : own
}
