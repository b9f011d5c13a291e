import type { RawData, WebSocket } from 'ws'
import { type ApiKey, findApiKey } from '#chassis/api-keys.ts'

const WAIT_MS = 5_000
const FRAME_BYTES_MAX = 4 * 1024
const GRACE_MS = 2_000
export const CLOSE_UNAUTHORIZED = 4401

interface LateKeyNeeds {
  readonly apiKeys: readonly ApiKey[]
  /** Called in the same turn as the frame came, so that no frame after it is missed. */
  readonly onKey: (principal: string) => void
  readonly onRefused: () => void
}

/**
 * A page cannot send a key with its upgrade, and an address is no place for one: it comes in the first frame, AUTH.
 * One try, in a short time; until then the socket has no session.
 */
export function awaitKey(socket: WebSocket, { apiKeys, onKey, onRefused }: LateKeyNeeds): void {
  const refuse = (): void => {
    settle()
    onRefused()
    const data = { code: 'UNAUTHORIZED', message: 'The first frame must be AUTH with an API key that holds' }
    socket.send(JSON.stringify({ type: 'ERROR', seq: 0, data }))
    refuseSocket(socket, CLOSE_UNAUTHORIZED, 'an API key is needed')
  }
  const onMessage = (data: RawData, isBinary: boolean): void => {
    const principal = isBinary ? undefined : findApiKey(keyIn(data), apiKeys)
    if (principal === undefined) return refuse()
    settle()
    onKey(principal)
  }
  const limit = setTimeout(refuse, WAIT_MS)
  const settle = (): void => {
    clearTimeout(limit)
    socket.off('message', onMessage).off('close', settle)
  }
  socket.on('error', () => undefined)
  socket.on('message', onMessage).once('close', settle)
}

/** Closes a socket that never got a session, whether its client takes the close frame or not. */
export function refuseSocket(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason)
  const grace = setTimeout(() => socket.terminate(), GRACE_MS)
  grace.unref()
  socket.once('close', () => clearTimeout(grace))
}

/** The empty key holds nowhere. */
function keyIn(data: RawData): string {
  if (!Buffer.isBuffer(data) || data.length > FRAME_BYTES_MAX) return ''
  try {
    const frame = JSON.parse(data.toString('utf8')) as {
      type?: unknown
      data?: { key?: unknown } | null
    } | null
    const key = frame?.type === 'AUTH' ? frame.data?.key : undefined
    return typeof key === 'string' ? key : ''
  } catch {
    return ''
  }
}
