import { randomBytes } from 'node:crypto'
import { type ClientRequest, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { CATALOG, type ServiceName, portAt } from '#catalog'
import type { Received } from './corpus-case.ts'

/** Credentials of the run. */
export interface CorpusTokens {
  readonly forService: (caller: ServiceName, audience: ServiceName) => Promise<string>
  /** The keys were exchanged: tokens at hand are worth nothing. */
  readonly forget: () => void
  readonly operatorKey: string
}

/** What came back, with the text for canaries and `contains`. */
export interface RawAnswer {
  readonly status: number
  readonly text: string
}

export interface Sending {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

const ANSWER_TIMEOUT_MS = 30_000

const OVERLOADED_STATUS = 503
const OVERLOADED_ATTEMPTS = 40
const OVERLOADED_WAIT_MS = 250

/**
 * One request over a connection of its own: nothing that an attack does to a connection reaches the next case. A service
 * that sheds load on a busy machine has not answered the attack, so it is asked again, up to 10 s.
 */
export async function send(portBase: number, service: ServiceName, sending: Sending): Promise<RawAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await sendOnce(portBase, service, sending)
    if (answer.status !== OVERLOADED_STATUS || attempt === OVERLOADED_ATTEMPTS) return answer
    await pause(OVERLOADED_WAIT_MS)
  }
}

function sendOnce(portBase: number, service: ServiceName, sending: Sending): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>()
  const outgoing = request(
    {
      host: '127.0.0.1',
      port: portAt(CATALOG[service].port, portBase),
      method: sending.method,
      path: sending.path,
      agent: false,
      timeout: ANSWER_TIMEOUT_MS,
      headers: {
        ...(sending.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...sending.headers,
      },
    },
    (incoming) => {
      incoming.setEncoding('utf8')
      let text = ''
      incoming.on('data', (chunk: string) => {
        text += chunk
      })
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
      incoming.on('error', reject)
    },
  )
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
  outgoing.on('error', reject)
  void endWithBody(outgoing, sending.body, promise)
  return promise
}

/** Beyond this size a body waits a moment: whoever refuses it by its length does so before it is sent. */
const LARGE_BODY_CHARS = 1024 * 1024
const REFUSAL_WAIT_MS = 500

async function endWithBody(
  outgoing: ClientRequest,
  body: string | undefined,
  answer: Promise<RawAnswer>,
): Promise<void> {
  if (body === undefined || body.length < LARGE_BODY_CHARS) {
    outgoing.end(body)
    return
  }
  outgoing.setHeader('content-length', Buffer.byteLength(body))
  outgoing.flushHeaders()
  const refused = await Promise.race([answer.then(() => true), pause(REFUSAL_WAIT_MS, false)]).catch(
    () => true,
  )
  if (refused) outgoing.destroy()
  else outgoing.end(body)
}

/** Bytes as they stand; the status line and what follows the headers of whatever comes back first. */
export function sendRaw(portBase: number, service: ServiceName, text: string): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>()
  const socket = connect({ host: '127.0.0.1', port: portAt(CATALOG[service].port, portBase) })
  let received = ''
  socket.setEncoding('utf8')
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')))
  socket.on('data', (chunk: string) => {
    received += chunk
    if (isWhole(received)) socket.destroy()
  })
  socket.on('error', reject)
  socket.on('close', () => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(received)?.[1]
    resolve({ status: Number(status ?? 0), text: received.slice(received.indexOf('\r\n\r\n') + 4) })
  })
  socket.end(text)
  return promise
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  return head > 0 && length !== undefined && Buffer.byteLength(text) - head - 4 >= Number(length)
}

/** A token that looks right and was signed by nobody. */
export function forgedToken(): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'sonia-eva-os',
    sub: 'api-gateway',
    aud: 'openclaw',
    iat: now,
    exp: now + 300,
    jti: 'forged',
  }
  return `${encode({ alg: 'EdDSA', kid: 'forged' })}.${encode(claims)}.${randomBytes(64).toString('base64url')}`
}

/** Status, code, reason and execution status: everything else of an answer may differ from run to run. */
export function readAnswer({ status, text }: RawAnswer): Received {
  const body = parseObject(text)
  const error = asObject(body?.['error'])
  const details = asObject(error?.['details'])
  return {
    status,
    code: asText(error?.['code']),
    reason: asText(details?.['reason']),
    execution: asText(body?.['status']),
  }
}

export function parseObject(text: string): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return null
  }
}

export function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
