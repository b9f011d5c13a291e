import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Tracer } from '@opentelemetry/api'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Static, TObject } from 'typebox'
import type { ServiceName } from '#catalog'
import type { CallContext, NewCall } from './call-context.ts'
import type { Clock } from './clock.ts'
import type { SharedSettings } from './config.ts'
import type { Exchange } from './exchange.ts'
import type { Health } from './health.ts'
import type { Logger } from './logging.ts'
import type { ServiceMetrics } from './metrics.ts'
import type { Neighbours } from './neighbours.ts'
import type { StatePaths } from './state-paths.ts'
import type { TokenIssuer } from './tokens.ts'

export type SoniaApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Options of a route beside its schema. */
export interface RouteConfig {
  /**
   * Who may come in. Internal services: 'service'; api-gateway and pipecat: 'public', unless said otherwise here.
   * 'public_key_later': as 'public', but whoever shows no key at all comes in as a stranger, and the route asks for it.
   */
  readonly auth?: 'service' | 'open' | 'public' | 'public_key_later' | 'operator'
  /** What is shed first when the event loop is late: background, then normal, then high. */
  readonly priority?: 'high' | 'normal' | 'background'
  /** Among the services with a good token, only these. */
  readonly callers?: readonly ServiceName[]
  /** Longest time to an answer; 30 s unless said otherwise. */
  readonly timeoutMs?: number
  /** Refuse a body in which one object names a key twice (two readers would see two requests). */
  readonly uniqueKeys?: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig extends RouteConfig {}
  interface FastifyRequest {
    /** Who asked, until when, under which id; hand it to everything done for this request. */
    call: CallContext
    /** The chassis' own record of this request. */
    exchange: Exchange
  }
}

/** Everything a service is given. Nothing else of the process is reachable from a service. */
export interface ServiceContext<Config> {
  readonly name: ServiceName
  readonly app: SoniaApp
  readonly config: Config
  readonly settings: SharedSettings
  readonly paths: StatePaths
  readonly log: Logger
  readonly metrics: ServiceMetrics
  readonly tracer: Tracer
  readonly neighbours: Neighbours
  readonly health: Health
  readonly clock: Clock
  /** Done when a drain begins, while requests in flight still run: for sockets, which would never end by themselves. */
  readonly onDrain: (what: string, drain: () => Promise<void> | void) => void
  /** Registers cleanup beside creation; undone in reverse order after the last request, each step bounded. */
  readonly onStop: (what: string, stop: () => Promise<void> | void) => void
  /** Resolves "env:NAME" or "file:PATH". */
  readonly readSecret: (reference: string) => string
  /** A call for work that no HTTP request began: a probe, a timer, a WebSocket message. */
  readonly startCall: (settings: NewCall) => CallContext
  /** eva-os only: it issues and knows the keys, so it verifies without asking itself over HTTP. */
  readonly useTokenIssuer: (issuer: TokenIssuer) => void
  /** eva-os only: decides whether a presented operator key holds (default: SHA-256 of config/operator.key). */
  readonly useOperatorCheck: (check: (presented: string) => boolean) => void
}

export interface ServiceDefinition<S extends TObject = TObject> {
  readonly name: ServiceName
  /** Schema of `services["<name>"]` in sonia.json. */
  readonly config: S
  readonly setup: (ctx: ServiceContext<Static<S>>) => Promise<void> | void
}

/** The two doors of a service: what it needs, and how it is wired. */
export function defineService<S extends TObject>(definition: ServiceDefinition<S>): ServiceDefinition<S> {
  return definition
}
