import underPressure from '@fastify/under-pressure'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Ajv } from 'ajv'
import fastify, {
  type FastifyReply,
  type FastifyRequest,
  type FastifySchemaCompiler,
  LogController,
} from 'fastify'
import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import type { TSchema } from 'typebox'
import { acceptedCorrelationId } from './correlation.ts'
import type { RouteConfig, SoniaApp } from './define-service.ts'
import { failure } from './envelope.ts'
import { ServiceError } from './errors.ts'
import { answerError } from './error-answer.ts'
import { refuseSecondHost } from './host-header.ts'
import { findDuplicateKey, isTooDeep } from './json-keys.ts'
import type { Logger } from './logging.ts'
import type { RouteLife } from './route-life.ts'

const BODY_BYTES_MAX = 1024 * 1024
const HEADER_BYTES_MAX = 16 * 1024
const PARAM_CHARS_MAX = 256
/** From the first byte to the last: slow senders give way. */
const RECEIVE_TIMEOUT_MS = 15_000
const HEADERS_TIMEOUT_MS = 10_000
const LATE_SAMPLE_MS = 250

export interface ServerParts {
  readonly service: string
  readonly log: Logger
  readonly debug: boolean
  readonly makeId: () => string
  /** The life of requests that no route took. */
  readonly unmatched: RouteLife
}

/** A Fastify with our bounds, our envelope for everything it refuses itself, and no log lines of its own. */
export async function createServer(parts: ServerParts): Promise<SoniaApp> {
  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    adopt(request, reply, parts.unmatched)
    void answerError(error, request, reply, parts.debug)
  }
  const app = fastify({
    loggerInstance: withoutChildren(parts.log),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => acceptedCorrelationId(request.headers['x-correlation-id']) ?? parts.makeId(),
    requestIdHeader: false,
    exposeHeadRoutes: false,
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    requestTimeout: RECEIVE_TIMEOUT_MS,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
      noDelay: true,
    },
    frameworkErrors: (error, request, reply) =>
      answer(error, request as FastifyRequest, reply as FastifyReply),
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, parts),
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as SoniaApp

  app.decorateRequest('call')
  app.decorateRequest('exchange')
  app.setValidatorCompiler(createValidatorCompiler())
  app.setErrorHandler(answer)
  app.setNotFoundHandler((request, reply) =>
    answer(
      refuseSecondHost(request.raw.rawHeaders) ?? new ServiceError('NOT_FOUND', 'No such route'),
      request,
      reply,
    ),
  )
  acceptOnlyJson(app)
  await app.register(underPressure, { sampleInterval: LATE_SAMPLE_MS })
  return app
}

/** One log for all: the ids come from the call at hand, not from a child per request. */
function withoutChildren(log: Logger): Logger {
  const same = Object.create(log, { child: { value: () => same } }) as Logger
  return same
}

/** Requests that no route took (404, bad URL) begin here; the others began in their route's onRequest. */
function adopt(request: FastifyRequest, reply: FastifyReply, unmatched: RouteLife): void {
  if (request.exchange !== undefined && request.exchange !== null) return
  unmatched.open(request, reply, () => undefined)
  reply.raw.once('finish', () => unmatched.close(request.exchange))
}

/**
 * Bodies are validated as they are; query and path arrive as text and are converted. TypeBox makes nothing but valid
 * schemas: checking them against the schema of schemas was a quarter of a start.
 */
function createValidatorCompiler(): FastifySchemaCompiler<TSchema> {
  const common = {
    allErrors: false,
    removeAdditional: false,
    useDefaults: true,
    strict: false,
    validateSchema: false,
    code: { optimize: false },
  } as const
  const exact = new Ajv({ ...common, coerceTypes: false })
  const converting = new Ajv({ ...common, coerceTypes: 'array' })
  return ({ schema, httpPart }) => (httpPart === 'body' ? exact : converting).compile(schema)
}

function acceptOnlyJson(app: SoniaApp): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    if (bytes.length === 0) {
      done(null, undefined)
      return
    }
    // Decoding puts a replacement character where bytes are wrong: what arrives would not be what was sent.
    if (!isUtf8(bytes as Buffer)) {
      done(new ServiceError('INVALID_ARGUMENT', 'The body is not valid UTF-8'))
      return
    }
    const text = bytes.toString('utf8')
    void parseJson(request, text, (error, body: unknown) => {
      if (error !== null) done(error)
      else done(refusal(request, text, body), body)
    })
  })
}

function refusal(request: FastifyRequest, text: string, body: unknown): ServiceError | null {
  if (isTooDeep(body)) return new ServiceError('INVALID_ARGUMENT', 'The body nests deeper than 64 levels')
  if (request.exchange?.route.uniqueKeys === true && findDuplicateKey(text) !== undefined) {
    return new ServiceError('INVALID_ARGUMENT', 'The body names a key twice', {
      details: { reason: 'DUPLICATE_KEY' },
    })
  }
  return null
}

/** What never became a request: broken HTTP, headers too large or too slow. Answered on the socket itself. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket, parts: ServerParts): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const refused = brokenRequestError(error.code)
  const correlationId = parts.makeId()
  parts.log.info(
    { correlation_id: correlationId, operation: 'unparsed', status_code: refused.status, error: refused },
    'broken request',
  )
  const origin = { service: parts.service, operation: 'unparsed', correlationId, durationMs: 0 }
  const body = JSON.stringify(failure(origin, refused))
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : refused.status
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `x-correlation-id: ${correlationId}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Not from node:http: importing that by name loads Node's own undici into each service. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  431: 'Request Header Fields Too Large',
}

function brokenRequestError(code: string | undefined): ServiceError {
  if (code === 'HPE_HEADER_OVERFLOW') return new ServiceError('TOO_LARGE', 'The headers are too large')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ServiceError('TIMEOUT', 'The request did not arrive in time')
  return new ServiceError('INVALID_ARGUMENT', 'The request is not valid HTTP')
}

/** A period without a single tick is told as infinite; what is known is that the loop was late for the period. */
export function knownDelayMs(delayMs: number): number {
  return Number.isFinite(delayMs) ? delayMs : LATE_SAMPLE_MS
}

type Priority = NonNullable<RouteConfig['priority']>

/** Refuses background work first, chat and actions next, health and voice last, as the limits are ordered. */
export function createShedding(
  delayMs: () => number,
  shedAfterMs: Readonly<Record<Priority, number>>,
): (priority: Priority) => ServiceError | undefined {
  return (priority) =>
    delayMs() > shedAfterMs[priority]
      ? new ServiceError('UNAVAILABLE', 'Overloaded', {
          retryAfterSeconds: 1,
          details: { reason: 'OVERLOADED' },
        })
      : undefined
}
