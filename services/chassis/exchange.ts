import type { FastifyReply } from 'fastify'
import type { Call } from './call-context.ts'
import type { Origin } from './envelope.ts'
import type { ResultCode, ServiceError } from './errors.ts'
import type { LoggedError } from './logging.ts'
import type { RouteLife } from './route-life.ts'

/** One request and its answer, from arrival to the last byte. */
export class Exchange {
  readonly route: RouteLife
  readonly reply: FastifyReply
  readonly call: Call
  /** Set where something other than the HTTP status decides how this is counted. */
  code: ResultCode | undefined
  error: LoggedError | null = null
  finished = false
  /** Kept only with log_content. */
  content: { readonly request: unknown; readonly response: unknown } | undefined
  timedOut = false
  /** Set once the answer is known: how long it took. */
  readonly #elapsedMs: () => number

  constructor(route: RouteLife, reply: FastifyReply, call: Call, elapsedMs: () => number) {
    this.route = route
    this.reply = reply
    this.call = call
    this.#elapsedMs = elapsedMs
  }

  origin(): Origin {
    return {
      service: this.route.service,
      operation: this.route.operation,
      correlationId: this.call.correlationId,
      durationMs: this.#elapsedMs(),
    }
  }

  degrade(message: string): void {
    this.code = 'DEGRADED'
    this.reply.header('warning', `199 ${this.route.service} "${headerText(message)}"`)
  }

  fail(error: ServiceError, logged: LoggedError | null): void {
    this.code = error.code
    this.error = logged
  }
}

/** Header values carry printable ASCII only; quotes would end the text. */
function headerText(message: string): string {
  return message.replaceAll(/[^\x20-\x7e]|["\\]/g, '?').slice(0, 200)
}
