import websocket from '@fastify/websocket'
import { defineService, type ServiceContext } from '#chassis/define-service.ts'
import { createSpeech } from './speech/speech.ts'
import { VoiceConfig } from './config.ts'
import { registerPage } from './routes/page.ts'
import { registerSessionRoutes } from './routes/session.ts'
import { registerSocket } from './routes/socket.ts'
import { FileWork } from './session/file-work.ts'
import { SessionBook } from './session/session-book.ts'
import { createSessionFiles, type SessionFiles } from './session/session-files.ts'

const SWEEP_EVERY_MS = 1000
const UNWRITABLE = 'The files of sessions cannot be written or removed'
const SOCKET_PAYLOAD_BYTES_MAX = 4 << 20

export const service = defineService({ name: 'pipecat', config: VoiceConfig, setup })

async function setup(ctx: ServiceContext<VoiceConfig>): Promise<void> {
  const { app, config, clock, log, metrics } = ctx
  const files = createSessionFiles(ctx.paths.data, (error) =>
    log.error({ err: error }, 'what an earlier process left of a session could not be read or removed'),
  )
  const book = createBook(ctx, files)
  book.settleLeftovers(await files.leftovers())
  await app.register(websocket, {
    options: { maxPayload: SOCKET_PAYLOAD_BYTES_MAX },
    errorHandler: (error, socket) => {
      // A client that breaks the protocol or its connection is no fault of ours.
      if (isOfClient(error)) log.info({ operation: 'voice.socket' }, 'a client broke its connection')
      else log.error({ operation: 'voice.socket', err: error }, 'a voice socket failed')
      socket.terminate()
    },
    // Goodbyes come before the server closes, while there are sockets to say them on.
    preClose: async () => {
      await book.closeAll('shutdown')
      // Those without a session are owed no goodbye.
      for (const socket of app.websocketServer.clients)
        if (socket.readyState === socket.OPEN) socket.terminate()
    },
  })
  registerSessionRoutes(app, book)
  await registerPage(app, { service: ctx.name, version: ctx.settings.version })
  const speech = await createSpeech(config.speech, {
    readSecret: ctx.readSecret,
    onStop: ctx.onStop,
    onOutcome: (part, isGood) => ctx.health.degrade(part, isGood ? null : `The ${part} provider fails`),
  })
  const sockets = registerSocket(app, {
    book,
    neighbours: ctx.neighbours,
    startCall: ctx.startCall,
    tracer: ctx.tracer,
    metrics,
    clock,
    log,
    speech,
    apiKeys: ctx.settings.apiKeys,
    voice: speech.voice,
    endpointingMs: config.speech.activity.stop_ms,
    answerTimeoutMs: config.answer_timeout_ms,
    limits: {
      queuedMessagesMax: config.queued_messages_max,
      queuedBytesMax: config.queued_bytes_max,
      pauseAtBytes: config.pause_at_bytes,
      cutAtBytes: config.cut_at_bytes,
      stalledMsMax: config.stalled_seconds * 1000,
    },
  })
  const sweeping = setInterval(() => {
    book.sweep()
    sockets.sweep()
  }, SWEEP_EVERY_MS)
  const beating = setInterval(() => sockets.heartbeat(), config.ping_seconds * 1000)
  ctx.onStop('voice timers', () => {
    clearInterval(sweeping)
    clearInterval(beating)
  })
}

function createBook(
  { config, clock, metrics, log, health }: ServiceContext<VoiceConfig>,
  files: SessionFiles,
) {
  return new SessionBook({
    files: new FileWork({
      files,
      log,
      onState: (isSound) => health.degrade('session files', isSound ? null : UNWRITABLE),
    }),
    limits: {
      sessionsMax: config.sessions_max,
      idleMs: config.idle_seconds * 1000,
      lifetimeMs: config.lifetime_seconds * 1000,
      resumeMs: config.resume_seconds * 1000,
    },
    clock,
    metrics,
    log,
  })
}

const CONNECTION_ERRORS = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED'])

function isOfClient(error: Error & { code?: string }): boolean {
  const { code = '' } = error
  return code.startsWith('WS_ERR_') || CONNECTION_ERRORS.has(code)
}
