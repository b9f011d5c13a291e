import type { SpanContext } from '@opentelemetry/api'
import { Type } from 'typebox'
import type { WebSocket } from 'ws'
import { isStranger } from '#chassis/access.ts'
import type { ApiKey } from '#chassis/api-keys.ts'
import type { Caller } from '#chassis/call-context.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import { Connection, type ConnectionLimits } from '../socket/connection.ts'
import { awaitKey, CLOSE_UNAUTHORIZED, refuseSocket } from '../socket/late-key.ts'
import { Conversation, type ConversationNeeds } from '../session/conversation.ts'
import { maySeeSession, type Session } from '../session/session.ts'
import { Ear } from '../speech/ear.ts'
import type { Speech } from '../speech/speech.ts'
import type { SessionBook } from '../session/session-book.ts'

/** Room for what is still to be numbered. */
const SEQ_MAX = 2 ** 52

const Params = Type.Object({ session_id: Type.String({ maxLength: 64 }) })
const Query = Type.Object({ last_seq: Type.Optional(Type.Integer({ minimum: 0, maximum: SEQ_MAX })) })

const CLOSE_SESSION_ENDED = 1011
const CLOSE_SECOND_SOCKET = 1008
const CLOSE_BAD_SEQ = 1008
const NEVER_SENT = 'last_seq is higher than any number that was sent in this session'

export interface SocketNeeds extends ConversationNeeds {
  readonly book: SessionBook
  readonly limits: ConnectionLimits
  readonly speech: Speech
  readonly apiKeys: readonly ApiKey[]
  readonly endpointingMs: number
}

type LiveSessions = Map<string, LiveSession>

interface LiveSession {
  readonly conversation: Conversation
  readonly ear: Ear
  connection: Connection | null
}

/** The live sockets and conversations; both end with their session. */
export function registerSocket(app: SoniaApp, needs: SocketNeeds) {
  const { book, metrics } = needs
  const live: LiveSessions = new Map()
  book.onClosed(({ record }, reason) => {
    const ended = live.get(record.session_id)
    live.delete(record.session_id)
    ended?.connection?.end(reason)
    ended?.ear.end()
    ended?.conversation.end()
  })
  app.get(
    '/ws/:session_id',
    {
      websocket: true,
      schema: { params: Params, querystring: Query },
      config: { priority: 'high', auth: 'public_key_later' },
      // Refusals happen before the upgrade, as ordinary HTTP answers.
      preHandler: async ({ params, query, call }) =>
        admit({ id: params.session_id, lastSeq: query.last_seq, caller: call.caller }, live, book),
    },
    (socket, request) => {
      const arrival = {
        socket,
        id: request.params.session_id,
        lastSeq: request.query.last_seq,
        span: request.call.span.spanContext(),
      }
      const { caller } = request.call
      if (!isStranger(caller)) return enter(arrival, caller, live, needs)
      awaitKey(socket, {
        apiKeys: needs.apiKeys,
        onKey: (principal) => enter(arrival, { kind: 'external', principal }, live, needs),
        onRefused: () => metrics.counter('sonia_service_auth_failures_total').inc({ reason: 'api_key' }),
      })
    },
  )
  const eachConnection = (work: (connection: Connection) => void) => {
    for (const { connection } of live.values()) if (connection !== null) work(connection)
  }
  return {
    heartbeat: () => eachConnection((connection) => connection.heartbeat()),
    /** Cuts clients that stopped reading, and tells how much waits. */
    sweep: () => {
      eachConnection((connection) => connection.checkStall())
      reportQueues(live, metrics)
    },
  }
}

function reportQueues(live: ReadonlyMap<string, LiveSession>, metrics: ServiceMetrics): void {
  let messages = 0
  let bytes = 0
  for (const { conversation, connection } of live.values()) {
    messages += conversation.queuedCount
    bytes += connection?.waitingBytes ?? 0
  }
  metrics.gauge('sonia_voice_queued_messages').set(messages)
  metrics.gauge('sonia_voice_buffered_bytes').set(bytes)
}

interface Asker {
  readonly id: string
  readonly lastSeq: number | undefined
  readonly caller: Caller
}

interface Arrival {
  readonly socket: WebSocket
  readonly id: string
  readonly lastSeq: number | undefined
  readonly span: SpanContext
}

/** Asked again, because the session may have ended, or got a socket, since the upgrade was admitted. */
function enter(
  { socket, id, lastSeq, span }: Arrival,
  caller: Caller,
  live: LiveSessions,
  needs: SocketNeeds,
): void {
  const session = needs.book.findActive(id)
  if (session === undefined) return refuseSocket(socket, CLOSE_SESSION_ENDED, 'the session has ended')
  if (!maySeeSession(caller, session.record))
    return refuseSocket(socket, CLOSE_UNAUTHORIZED, 'not your session')
  const entry = entryOf(session, live, needs, span)
  if (entry.conversation.isAttached) return refuseSocket(socket, CLOSE_SECOND_SOCKET, 'a live socket exists')
  if (!entry.conversation.mayResumeAt(lastSeq ?? 0)) return refuseSeq(socket)
  const connection = new Connection({ ...needs, socket, session, ...entry })
  entry.connection = connection
  socket.once('close', () => {
    if (entry.connection === connection) entry.connection = null
  })
  connection.open(lastSeq)
}

function admit({ id, lastSeq = 0, caller }: Asker, live: LiveSessions, book: SessionBook): void {
  const session = book.findActive(id)
  // Who has yet to show a key is asked whose it is, and hears of the session's numbers, once the key is there.
  if (session === undefined || !(isStranger(caller) || maySeeSession(caller, session.record))) {
    throw new ServiceError('FORBIDDEN', 'There is no open session of this id')
  }
  const conversation = live.get(id)?.conversation
  if (conversation?.isAttached === true) {
    throw new ServiceError('CONFLICT', 'This session has a live socket already')
  }
  if (!(isStranger(caller) || mayResume(session, conversation, lastSeq))) {
    throw new ServiceError('INVALID_ARGUMENT', NEVER_SENT)
  }
}

function mayResume(session: Session, conversation: Conversation | undefined, lastSeq: number): boolean {
  return conversation?.mayResumeAt(lastSeq) ?? (session.isRestored || lastSeq === 0)
}

/** The typed answer to who showed a key only after the upgrade. */
function refuseSeq(socket: WebSocket): void {
  const data = { code: 'INVALID_ARGUMENT', message: NEVER_SENT }
  socket.send(JSON.stringify({ type: 'ERROR', seq: 0, data }))
  refuseSocket(socket, CLOSE_BAD_SEQ, 'last_seq was never sent')
}

function entryOf(
  session: Session,
  live: LiveSessions,
  needs: SocketNeeds,
  upgradeSpan: SpanContext,
): LiveSession {
  const id = session.record.session_id
  const known = live.get(id)
  if (known !== undefined) return known
  const conversation = new Conversation(session, upgradeSpan, needs)
  const entry = { conversation, ear: new Ear({ ...needs, ...needs.limits, conversation }), connection: null }
  live.set(id, entry)
  return entry
}
