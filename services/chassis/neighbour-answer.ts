import type { Dispatcher } from 'undici'
import type { ServiceName } from '#catalog'
import { codeForStatus, isErrorCode, ServiceError } from './errors.ts'

export type RawResponse = Dispatcher.ResponseData

const RESPONSE_BYTES_MAX = 32 * 1024 * 1024

/** Set by a chassis that refused our service token, so that a person's 401 is not mistaken for it. */
export const TOKEN_REFUSED_HEADER = 'x-token-refused'

export async function readText(response: RawResponse): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > RESPONSE_BYTES_MAX)
      throw new ServiceError('INTERNAL_ERROR', 'A neighbour answered with too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export function parseBody<T>(text: string, to: ServiceName): T {
  if (text === '') return null as T
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new ServiceError('INTERNAL_ERROR', `${to} answered with something that is not JSON`, { cause })
  }
}

/** A neighbour's refusal under its own code. A refused service token is our trouble, not our caller's. */
export function answeredError(
  to: ServiceName,
  status: number,
  text: string,
  headers: Record<string, string>,
): ServiceError {
  if (headers[TOKEN_REFUSED_HEADER] !== undefined) {
    return new ServiceError('UNAVAILABLE', `${to} does not take our service token`)
  }
  const error = envelopeError(text)
  const code = codeForStatus(status)
  if (error === undefined) {
    return new ServiceError(code === 'OK' ? 'INTERNAL_ERROR' : code, `${to} answered ${status}`)
  }
  const retryAfter = Number(headers['retry-after'])
  return new ServiceError(error.code, error.message, {
    ...(error.details === undefined ? {} : { details: error.details }),
    ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
    unprocessable: status === 422,
  })
}

function envelopeError(text: string) {
  try {
    const { error } = JSON.parse(text) as {
      error?: { code?: unknown; message?: unknown; details?: Record<string, unknown> } | null
    }
    if (!isErrorCode(error?.code)) return undefined
    const message = typeof error.message === 'string' ? error.message : error.code
    return { code: error.code, message, details: error.details }
  } catch {
    return undefined
  }
}

export function flatHeaders(headers: RawResponse['headers']): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}
