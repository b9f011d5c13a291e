import { type Context, type Span, context, createContextKey, trace } from '@opentelemetry/api'
import type { CallerName } from '#catalog'
import type { Clock } from './clock.ts'
import { ServiceError } from './errors.ts'
import { ROOT } from './linked-context.ts'

export type Caller =
  | { readonly kind: 'service'; readonly name: CallerName }
  | { readonly kind: 'external'; readonly principal: string }

/** What travels with one piece of work: who asked, until when, under which id, in which trace. */
export interface CallContext {
  readonly correlationId: string
  /** On `clock.monotonicMs()`. */
  readonly deadlineAtMs: number
  /** Aborts when the client is gone or the deadline has passed. */
  readonly signal: AbortSignal
  readonly caller: Caller
  readonly span: Span
  readonly otel: Context
}

export interface CallSettings {
  readonly correlationId: string
  readonly startedAtMs: number
  readonly deadlineAtMs: number
  readonly caller: Caller
  readonly span: Span
  readonly otel: Context
}

const CALL_KEY = createContextKey('sonia.call')

/** The call that is being worked on here, for log lines written far from the request. */
export function activeCall(): CallContext | undefined {
  return context.active().getValue(CALL_KEY) as CallContext | undefined
}

/** One request or message from its start to its end. The signal is made only when somebody asks for it. */
export class Call implements CallContext {
  readonly correlationId: string
  readonly startedAtMs: number
  readonly deadlineAtMs: number
  readonly caller: Caller
  readonly span: Span
  readonly otel: Context
  #abort: AbortController | undefined
  #aborted: ServiceError | undefined
  #listeners: Set<(reason: ServiceError) => void> | undefined
  #onSignal: (() => void) | undefined

  constructor(settings: CallSettings, onSignal?: () => void) {
    this.correlationId = settings.correlationId
    this.startedAtMs = settings.startedAtMs
    this.deadlineAtMs = settings.deadlineAtMs
    this.caller = settings.caller
    this.span = settings.span
    this.otel = settings.otel.setValue(CALL_KEY, this)
    this.#onSignal = onSignal
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted)
      if (this.#listeners === undefined) this.#onSignal?.()
    }
    return this.#abort.signal
  }

  /** As listening to the signal, without making one. */
  onAbort(listener: (reason: ServiceError) => void): () => void {
    if (this.#aborted !== undefined) listener(this.#aborted)
    if (this.#listeners === undefined) {
      this.#listeners = new Set()
      if (this.#abort === undefined) this.#onSignal?.()
    }
    const listeners = this.#listeners
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  abort(reason: ServiceError): void {
    if (this.#aborted !== undefined) return
    this.#aborted = reason
    this.#abort?.abort(reason)
    for (const listener of this.#listeners ?? []) listener(reason)
  }
}

/** Calls `listener` when the call is given up, also where that has been so; what it answers takes that back. */
export function whenAborted(call: CallContext, listener: (reason: unknown) => void): () => void {
  if (call instanceof Call) return call.onAbort(listener)
  const { signal } = call
  const onAbort = () => listener(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return () => signal.removeEventListener('abort', onAbort)
}

export interface NewCall {
  readonly timeoutMs: number
  readonly correlationId?: string
  /** Work done for a request or session inherits its caller, trace and abort. */
  readonly parent?: CallContext
  readonly signal?: AbortSignal
  readonly caller?: Caller
}

/** A call that no HTTP request began: a probe, a WebSocket message, a timer's work. */
export function startCall(settings: NewCall, clock: Clock, makeId: () => string): Call {
  const { parent } = settings
  const startedAtMs = clock.monotonicMs()
  const ownDeadline = startedAtMs + settings.timeoutMs
  const otel = parent?.otel ?? ROOT
  const call = new Call({
    correlationId: settings.correlationId ?? parent?.correlationId ?? makeId(),
    startedAtMs,
    deadlineAtMs: parent === undefined ? ownDeadline : Math.min(parent.deadlineAtMs, ownDeadline),
    caller: settings.caller ?? parent?.caller ?? { kind: 'external', principal: 'internal' },
    span: trace.getSpan(otel) ?? trace.wrapSpanContext(NO_SPAN),
    otel,
  })
  followSignals(call, settings, clock)
  return call
}

const NO_SPAN = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }

function followSignals(call: Call, settings: NewCall, clock: Clock): void {
  const leftMs = Math.max(0, call.deadlineAtMs - clock.monotonicMs())
  const timer = setTimeout(() => {
    call.abort(new ServiceError('TIMEOUT', 'The deadline has passed'))
  }, leftMs)
  timer.unref()
  for (const signal of [settings.signal, settings.parent?.signal]) {
    if (signal === undefined) continue
    const cancel = () => {
      clearTimeout(timer)
      call.abort(new ServiceError('UNAVAILABLE', 'The caller is gone'))
    }
    if (signal.aborted) cancel()
    else signal.addEventListener('abort', cancel, { once: true })
  }
}
