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
/**
 * One client in five is a rude one, each time in another way: it leaves without a word, leaves while it is being
 * answered, talks nonsense first, or interrupts and then goes on. What it gets for that is part of what is expected.
 */
const RUDE_EVERY = 5
const RUDE_KINDS = ['hangs_up', 'leaves_in_answer', 'talks_nonsense', 'interrupts'] as const
type Manner = 'polite' | (typeof RUDE_KINDS)[number]

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
  const manner = mannerOf(exec.scenario.iterationInTest)
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
    if (progress.answered < MESSAGES) {
      send('MESSAGE', {
        text: `message ${progress.answered} of this session`,
        stream: manner === 'interrupts',
      })
    } else if (manner === 'hangs_up') finish('OK', 'ok')
    else send('SESSION_STOP', { reason: 'done' })
  }
  const begin = () => {
    if (manner === 'talks_nonsense') send('NONSENSE', {})
    else next()
    if (manner === 'interrupts') send('INTERRUPT', {})
    if (manner === 'leaves_in_answer') finish('OK', 'ok')
  }
  const onError = (code: string) => {
    const isDue = manner === 'talks_nonsense' && progress.sent === 1 && code === 'INVALID_ARGUMENT'
    if (isDue) next()
    else finish(code, 'error')
  }
  const react: Readonly<Record<string, (frame: Frame) => void>> = {
    STATUS: ({ data }) => {
      if (data?.['status'] === 'active' && progress.sent === 0) begin()
    },
    MESSAGE: ({ data }) => {
      if (data?.['role'] !== 'assistant') return
      progress.answered += 1
      next()
    },
    INTERRUPT: next,
    ERROR: (frame) => onError(codeIn(frame)),
    SESSION_STOP: () => finish('OK', 'ok'),
  }
  socket.onmessage = (event) => {
    const frame = parseFrame(event?.data)
    react[frame.type ?? '']?.(frame)
  }
  socket.addEventListener('close', (event) => finish(`CLOSED_${closeCodeOf(event)}`, 'error'))
  socket.onerror = () => finish('NO_ANSWER', 'error')
}

function mannerOf(iteration: number): Manner {
  if (iteration % RUDE_EVERY !== RUDE_EVERY - 1) return 'polite'
  return RUDE_KINDS[Math.floor(iteration / RUDE_EVERY) % RUDE_KINDS.length] ?? 'polite'
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
