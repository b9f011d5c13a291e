import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { defineService, type ServiceContext } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import { NOBODY, principalOf } from './action.ts'
import { GatewayConfig } from './config.ts'
import { createConversations } from './conversation.ts'
import { createMemory } from './memory.ts'
import { createRouter } from './router.ts'
import { registerAction } from './routes/action.ts'
import { registerApprovals } from './routes/approvals.ts'
import { registerChat } from './routes/chat.ts'
import { registerCompletions } from './routes/completions.ts'
import { registerDeps } from './routes/deps.ts'
import { registerSessions } from './routes/sessions.ts'
import { registerTurn } from './routes/turn.ts'
import { openDatabase } from './state/database.ts'
import { createIdempotencyStore } from './state/idempotency-store.ts'
import { createSessionStore } from './state/session-store.ts'
import { createTurnstile } from './turnstile.ts'

const MS_PER_HOUR = 3_600_000

export const service = defineService({ name: 'api-gateway', config: GatewayConfig, setup })

async function setup(ctx: ServiceContext<GatewayConfig>): Promise<void> {
  const { app, config, clock, neighbours } = ctx
  const database = openDatabase(ctx.paths.data)
  ctx.onStop('gateway database', () => void database.close())
  const sessions = createSessionStore(
    database,
    {
      sessionsMax: config.sessions_max,
      lifetimeMs: config.session_lifetime_seconds * 1000,
      idleMs: config.session_idle_seconds * 1000,
    },
    clock,
  )
  const idempotency = createIdempotencyStore(database, config.idempotency_hours * MS_PER_HOUR, clock)
  const conversations = createConversations()
  const turnstile = createTurnstile({
    atOnce: config.answers_at_once,
    waitMsMax: ctx.settings.shedAfterMs,
    clock,
  })
  const memory = createMemory({ neighbours, config, clock, turnstile })
  const router = createRouter(neighbours, config.model_timeout_ms)
  const actions = { neighbours, clock, toolTimeoutMs: config.tool_timeout_ms }

  await limitRate(ctx)
  registerChat(app, { memory, router, conversations, clock, sessions })
  registerCompletions(app, { memory, router })
  registerTurn(app, { ...actions, memory, router, conversations, sessions, stepsMax: config.turn_steps_max })
  registerAction(app, { ...actions, idempotency })
  registerDeps(app, { neighbours, clock, portBase: ctx.settings.portBase })
  registerSessions(app, sessions, conversations)
  registerApprovals(app, neighbours)
}

async function limitRate({ app, config }: ServiceContext<GatewayConfig>): Promise<void> {
  await app.register(rateLimit, {
    max: config.rate_limit_per_minute,
    timeWindow: '1 minute',
    // After access rules: a stranger is refused as such, and a principal is known.
    hook: 'preHandler',
    keyGenerator: (request: FastifyRequest) => principalOf(request.call),
    // Probes and scrapes stand outside: a busy principal must not make the service look dead.
    allowList: (request: FastifyRequest) => principalOf(request.call) === NOBODY,
    errorResponseBuilder: (_request, { ttl }) =>
      new ServiceError('RATE_LIMITED', 'Too many requests; try again later', {
        retryAfterSeconds: Math.ceil(ttl / 1000),
      }),
  })
}
