import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { WebSocket } from 'k6/websockets'
import { identityOf } from './identity.ts'
import { count, type Observation, observe } from './outcome.ts'
import type { SoakSettings } from './settings.ts'

const START_ROUTE = '/session/start'
const SOCKET_ROUTE = '/ws/{session_id}'
const TIMEOUT = '10s'
const MESSAGES = 3
const SESSION_LIMIT_MS = 25_000
/** One client in this many hangs up without a word, as people do. */
const RUDE_EVERY = 5

interface Frame {
  readonly type?: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** One voice session: create, a message loop, destroy. */
export function voiceOnce(settings: SoakSettings): void {
  const { correlationId, headers } = identityOf(settings, 'start')
  const response = http.post(`${settings.voiceUrl}${START_ROUTE}`, JSON.stringify({ user_id: 'k6' }), {
    headers,
    timeout: TIMEOUT,
    tags: { name: START_ROUTE },
  })
  let sessionId = ''
  const started = observe(START_ROUTE, response, ({ ok, data, correlation_id }) => {
    sessionId = typeof data?.['session_id'] === 'string' ? data['session_id'] : ''
    return ok === true && correlation_id === correlationId && sessionId !== '' && data?.['state'] === 'ACTIVE'
  })
  count(started)
  check(started, { 'voice session started': ({ outcome }) => outcome === 'ok' })
  if (started.outcome === 'ok') converse(settings, sessionId)
}

/** Sends a message when the last one was answered; then says goodbye, or hangs up where the client is a rude one. */
function converse(settings: SoakSettings, sessionId: string): void {
  const isRude = exec.scenario.iterationInTest % RUDE_EVERY === RUDE_EVERY - 1
  const { headers } = identityOf(settings, 'socket')
  const socket = new WebSocket(`${settings.voiceSocketUrl}/ws/${sessionId}`, null, {
    headers: headers as Record<string, string>,
    tags: { name: SOCKET_ROUTE },
  })
  const progress = { sent: 0, answered: 0, isOver: false }
  const finish = (code: string, outcome: Observation['outcome']) => {
    if (progress.isOver) return
    progress.isOver = true
    clearTimeout(limit)
    const observation = { route: SOCKET_ROUTE, code, outcome }
    count(observation)
    check(observation, { 'voice session ended as expected': () => outcome === 'ok' })
    socket.close()
  }
  const limit = setTimeout(() => finish('CLIENT_TIMEOUT', 'timeout'), SESSION_LIMIT_MS)
  const send = (type: string, data: object) => {
    const timestamp = new Date().toISOString()
    socket.send(JSON.stringify({ type, session_id: sessionId, seq: progress.sent, data, timestamp }))
    progress.sent += 1
  }
  const next = () => {
    if (progress.answered < MESSAGES)
      send('MESSAGE', { text: `message ${progress.answered} of this session` })
    else if (isRude) finish('OK', 'ok')
    else send('SESSION_STOP', { reason: 'done' })
  }
  socket.onmessage = (event) => {
    const frame = parseFrame(event?.data)
    if (frame.type === 'STATUS' && frame.data?.['status'] === 'active' && progress.sent === 0) next()
    else if (frame.type === 'MESSAGE' && frame.data?.['role'] === 'assistant') {
      progress.answered += 1
      next()
    } else if (frame.type === 'ERROR') finish(codeIn(frame), 'error')
    else if (frame.type === 'SESSION_STOP') finish('OK', 'ok')
  }
  socket.addEventListener('close', (event) => finish(`CLOSED_${closeCodeOf(event)}`, 'error'))
  socket.onerror = () => finish('NO_ANSWER', 'error')
}

function codeIn({ data }: Frame): string {
  const code = data?.['code']
  return typeof code === 'string' ? code : 'BAD_BODY'
}

/** The types of k6 leave out the event that its runtime passes. */
function closeCodeOf(event: unknown): string {
  const code = (event as { code?: unknown } | undefined)?.code
  return typeof code === 'number' ? String(code) : 'UNKNOWN'
}

function parseFrame(data: unknown): Frame {
  if (typeof data !== 'string') return {}
  try {
    return JSON.parse(data) as Frame
  } catch {
    return {}
  }
}
