import { isTooDeep } from '#chassis/json-keys.ts'
import { ServiceError } from '#chassis/errors.ts'

/** What a client may send as text. */
export type ClientFrame =
  | {
      readonly type: 'MESSAGE'
      readonly text: string
      readonly stream: boolean
      /** The answer is wanted as sound too. */
      readonly speak: boolean
      readonly correlationId?: string
    }
  | { readonly type: 'INTERRUPT'; readonly correlationId?: string }
  | { readonly type: 'STATUS'; readonly correlationId?: string }
  | { readonly type: 'SESSION_STOP'; readonly reason: string; readonly correlationId?: string }

export type ServerFrameType =
  | 'SESSION_START'
  | 'STATUS'
  | 'MESSAGE'
  | 'MESSAGE_DELTA'
  /** A sentence is about to be heard; the frames of sound after it are counted from `first_frame`. */
  | 'SPEECH'
  | 'SPEECH_END'
  | 'INTERRUPT'
  | 'SESSION_STOP'
  | 'ERROR'

const FRAME_BYTES_MAX = 1 << 20
const TEXT_CHARACTERS_MAX = 200_000
const REASON_CHARACTERS_MAX = 200
const CORRELATION_ID = /^[A-Za-z0-9_-]{8,64}$/

/** Reads one text frame; throws a typed error that the client gets back, and the session lives on. */
export function parseFrame(bytes: Buffer, sessionId: string): ClientFrame {
  if (bytes.length > FRAME_BYTES_MAX) throw new ServiceError('TOO_LARGE', 'A frame may have 1 MiB')
  const frame = parseObject(bytes)
  const named = frame['session_id']
  if (named !== undefined && named !== sessionId) {
    throw new ServiceError('INVALID_ARGUMENT', 'The frame names another session')
  }
  const correlationId = frame['correlation_id']
  const data = isRecord(frame['data']) ? frame['data'] : {}
  return {
    ...clientFrame(frame['type'], data),
    ...(typeof correlationId === 'string' && CORRELATION_ID.test(correlationId) ? { correlationId } : {}),
  }
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new ServiceError('INVALID_ARGUMENT', 'The frame is not JSON')
  }
  if (!isRecord(value)) throw new ServiceError('INVALID_ARGUMENT', 'The frame is not a JSON object')
  if (isTooDeep(value)) throw new ServiceError('INVALID_ARGUMENT', 'The frame nests too deeply')
  return value
}

function clientFrame(type: unknown, data: Record<string, unknown>): ClientFrame {
  switch (type) {
    case 'MESSAGE':
      return { type, text: textIn(data), stream: data['stream'] === true, speak: data['speak'] === true }
    case 'INTERRUPT':
    case 'STATUS':
      return { type }
    case 'SESSION_STOP':
      return { type, reason: reasonIn(data) }
    default:
      throw new ServiceError('INVALID_ARGUMENT', 'Unknown frame type')
  }
}

function textIn(data: Record<string, unknown>): string {
  const text = data['text']
  if (typeof text !== 'string' || text === '') {
    throw new ServiceError('INVALID_ARGUMENT', 'MESSAGE needs data.text')
  }
  if (text.length > TEXT_CHARACTERS_MAX) throw new ServiceError('TOO_LARGE', 'data.text is too long')
  return text
}

function reasonIn(data: Record<string, unknown>): string {
  const reason = data['reason']
  return typeof reason === 'string' ? reason.slice(0, REASON_CHARACTERS_MAX) : 'stopped by the client'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
