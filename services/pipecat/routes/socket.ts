import type { SpanContext } from '@opentelemetry/api'
import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import { Connection, type ConnectionLimits } from '../socket/connection.ts'
import { Conversation, type ConversationNeeds } from '../session/conversation.ts'
import type { Session } from '../session/session.ts'
import { Ear } from '../speech/ear.ts'
import type { Speech } from '../speech/speech.ts'
import type { SessionBook } from '../session/session-book.ts'

/** Room for what is still to be numbered. */
const SEQ_MAX = 2 ** 52

const Params = Type.Object({ session_id: Type.String({ maxLength: 64 }) })
const Query = Type.Object({ last_seq: Type.Optional(Type.Integer({ minimum: 0, maximum: SEQ_MAX })) })

const CLOSE_SESSION_ENDED = 1011
const CLOSE_SECOND_SOCKET = 1008

export interface SocketNeeds extends ConversationNeeds {
  readonly book: SessionBook
  readonly limits: ConnectionLimits
  readonly speech: Speech
  readonly endpointingMs: number
}

interface LiveSession {
  readonly conversation: Conversation
  readonly ear: Ear
  connection: Connection | null
}

/** The live sockets and conversations; both end with their session. */
export function registerSocket(app: SoniaApp, needs: SocketNeeds) {
  const { book, metrics } = needs
  const live = new Map<string, LiveSession>()
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
      config: { priority: 'high' },
      // Refusals happen before the upgrade, as ordinary HTTP answers.
      preHandler: async (request) => admit(request.params.session_id, live, book),
    },
    (socket, request) => {
      const session = book.findActive(request.params.session_id)
      if (session === undefined) return socket.close(CLOSE_SESSION_ENDED, 'the session has ended')
      const entry = entryOf(session, live, needs, request.call.span.spanContext())
      // Two upgrades may both have been admitted before either was open.
      if (entry.conversation.isAttached) return socket.close(CLOSE_SECOND_SOCKET, 'a live socket exists')
      const connection = new Connection({ ...needs, socket, session, ...entry })
      entry.connection = connection
      socket.once('close', () => {
        if (entry.connection === connection) entry.connection = null
      })
      connection.open(request.query.last_seq)
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

function admit(id: string, live: ReadonlyMap<string, LiveSession>, book: SessionBook): void {
  if (book.findActive(id) === undefined) {
    throw new ServiceError('FORBIDDEN', 'There is no open session of this id')
  }
  if (live.get(id)?.conversation.isAttached === true) {
    throw new ServiceError('CONFLICT', 'This session has a live socket already')
  }
}

function entryOf(
  session: Session,
  live: Map<string, LiveSession>,
  needs: SocketNeeds,
  upgradeSpan: SpanContext,
): LiveSession {
  const id = session.record.session_id
  const known = live.get(id)
  if (known !== undefined) return known
  const conversation = new Conversation(session, upgradeSpan, needs)
  const entry = { conversation, ear: new Ear({ ...needs, conversation }), connection: null }
  live.set(id, entry)
  return entry
}
