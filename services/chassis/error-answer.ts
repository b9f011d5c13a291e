import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { failure } from './envelope.ts'
import { codeForStatus, ServiceError } from './errors.ts'
import { errorField } from './logging.ts'
import { TOKEN_REFUSED_HEADER } from './neighbour-answer.ts'
import { AuthError } from './token-verifier.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** Public texts for what the framework raises; its own texts name internals. */
const FRAMEWORK_MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content type must be application/json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'Content-Length does not match the body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty',
  FST_ERR_BAD_URL: 'The URL is malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the path is too long',
}

/** Every failure as one of the codes; what is not public stays in `cause`. */
function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const { validation, statusCode = 500, code = '' } = error as Partial<FastifyError>
  if (validation !== undefined) return validationError(error as FastifyError)
  const mapped = codeForStatus(statusCode)
  if (mapped === 'OK' || statusCode >= 500) {
    return new ServiceError('INTERNAL_ERROR', 'Internal error', { cause: error })
  }
  // secure-json-parse and JSON.parse raise plain SyntaxErrors that Fastify marks with 400.
  const other = error instanceof SyntaxError ? 'The body is not valid JSON' : 'The request was refused'
  return new ServiceError(mapped, FRAMEWORK_MESSAGES[code] ?? other, { cause: error })
}

/** 422 where a required body field is absent or of the wrong type, else 400. */
function validationError(error: FastifyError): ServiceError {
  const place = error.validationContext ?? 'request'
  const { instancePath = '', keyword = 'invalid', message = 'is invalid' } = error.validation?.[0] ?? {}
  const field = `${place}${instancePath.replaceAll('/', '.')}`
  return new ServiceError('INVALID_ARGUMENT', `${field} ${message}`, {
    unprocessable: place === 'body' && (keyword === 'required' || keyword === 'type'),
    details: { field, problem: keyword },
  })
}

/** Answers with the envelope. Installed as the error handler; used as well by the routes the chassis makes. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  debug: boolean,
): FastifyReply {
  const serviceError = toServiceError(error)
  const { exchange } = request
  exchange.fail(serviceError, errorField(serviceError, debug))
  if (serviceError instanceof AuthError && serviceError.isTokenFailure)
    reply.header(TOKEN_REFUSED_HEADER, '1')
  if (serviceError.retryAfterSeconds !== undefined)
    reply.header('retry-after', serviceError.retryAfterSeconds)
  return reply
    .code(serviceError.status)
    .type(JSON_TYPE)
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(failure(exchange.origin(), serviceError))
}
