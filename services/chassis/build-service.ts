import { context, type Tracer, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import type { DestinationStream } from 'pino'
import type { Static, TObject } from 'typebox'
import { CATALOG, DEFAULT_PORT_BASE, portAt, type ServiceName } from '#catalog'
import packageFile from '../../package.json' with { type: 'json' }
import { startCall } from './call-context.ts'
import { type Clock, systemClock } from './clock.ts'
import { loadConfig, type SharedSettings, sharedSettings } from './config.ts'
import { createCorrelationIds } from './correlation.ts'
import type { ServiceContext, ServiceDefinition, SoniaApp } from './define-service.ts'
import { createHealth, type HealthState } from './health.ts'
import { createInFlight, type InFlight } from './in-flight.ts'
import { createLogging, type Logging } from './log-setup.ts'
import { createMetrics, type ServiceMetrics } from './metrics.ts'
import { addNeighbourChecks } from './neighbour-checks.ts'
import { createNeighbours, type Neighbours } from './neighbours.ts'
import { createOpenApi } from './openapi.ts'
import { createRequestMetrics } from './request-metrics.ts'
import { createRouting, type Routing } from './routing.ts'
import { scrape } from './scrape.ts'
import { createSecretReader } from './secrets.ts'
import { createServer, createShedding, knownDelayMs } from './server.ts'
import { addStandardRoutes } from './standard-routes.ts'
import { createStateFolders, type StatePaths, statePaths } from './state-paths.ts'
import { createStopList, type StopList, within } from './stop-list.ts'
import type { TokenVerifier } from './token-verifier.ts'
import type { TokenSource } from './tokens.ts'
import { TRACER_NAME } from './tracing.ts'
import { createTrust, type Trust } from './trust.ts'

/** One step of a drain or stop; a step that hangs must not eat the time of the others. */
const STOP_STEP_MS = 400
/** How long requests in flight may take to finish once the service drains. */
const DRAIN_MS = 900
const ABORTED_MS = 100
/** Two samples of the event loop, and some room. */
const LOADING_SAMPLES_MS = 600

/** What surrounds a service. Only `home` is needed; tests replace the rest. */
export interface BuildOptions {
  readonly home: string
  readonly runId?: string
  readonly portBase?: number
  readonly clock?: Clock
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Laid over `services["<name>"]` of the file. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly neighbours?: Neighbours
  readonly verifier?: TokenVerifier
  readonly tokens?: TokenSource
  readonly originOf?: (to: ServiceName) => string
  readonly terminal?: DestinationStream | undefined
  /** How late the event loop is, in milliseconds; `undefined` measures it. */
  readonly loopDelayMs?: (() => number) | undefined
}

export interface BuiltService {
  readonly app: SoniaApp
  readonly health: HealthState
  readonly log: Logging
  readonly port: number
  readonly bind: string
  /** Drains, then undoes everything in reverse order; bounded, never rejects. Safe to call twice. */
  stop(): Promise<void>
}

/** A service without a port: `app.inject` works at once. The process around it is run-service.ts. */
export async function buildService<S extends TObject>(
  service: ServiceDefinition<S>,
  options: BuildOptions,
): Promise<BuiltService> {
  // Where no SDK was loaded, the ids of the call at hand still follow it through promises.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const base = createBase(service, options)
  const stop = onceOnly(() => stopAll(base))
  try {
    const app = await wire(service, options, base)
    const { health, log, settings } = base
    return {
      app,
      health,
      log,
      port: portAt(CATALOG[service.name].port, settings.portBase),
      bind: settings.bind,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Base<S extends TObject> {
  readonly name: ServiceName
  readonly clock: Clock
  readonly startedAtMs: number
  readonly config: Static<S>
  readonly settings: SharedSettings
  readonly paths: StatePaths
  readonly metrics: ServiceMetrics
  readonly tracer: Tracer
  readonly log: Logging
  readonly health: HealthState
  readonly inFlight: InFlight
  /** Done first, while requests are still answered: say goodbye to sockets. */
  readonly drains: StopList
  /** Done last: close what requests used. */
  readonly stops: StopList
  readonly originOf: (to: ServiceName) => string
  app: SoniaApp | undefined
}

/** Configuration, folders, metrics, log: what everything else stands on. */
function createBase<S extends TObject>(service: ServiceDefinition<S>, options: BuildOptions): Base<S> {
  const { name } = service
  const { home, clock = systemClock, runId = 'none', portBase = DEFAULT_PORT_BASE } = options
  const loaded = loadConfig({ home, name, override: options.config }, service.config)
  const settings = sharedSettings(loaded.shared, { home, runId, portBase, version: packageFile.version })
  const paths = statePaths(home, name, settings.sandboxRoot)
  createStateFolders(paths)
  const metrics = createMetrics(name)
  metrics.gauge('sonia_build_info').set({ version: settings.version, node: process.versions.node }, 1)
  metrics.gauge('sonia_run_info').set({ run_id: runId }, 1)
  const status = metrics.gauge('sonia_service_status')
  const log = createLogging({
    service: name,
    folder: paths.logs,
    settings,
    clock,
    metrics,
    terminal: options.terminal,
  })
  return {
    name,
    clock,
    startedAtMs: clock.monotonicMs(),
    config: loaded.service,
    settings,
    paths,
    metrics,
    tracer: trace.getTracer(TRACER_NAME),
    log,
    health: createHealth((value) => status.set(value)),
    inFlight: createInFlight(clock),
    drains: createStopList(log.log, STOP_STEP_MS),
    stops: createStopList(log.log, STOP_STEP_MS),
    originOf:
      options.originOf ??
      ((to) => `http://${settings.hosts[to] ?? '127.0.0.1'}:${portAt(CATALOG[to].port, portBase)}`),
    app: undefined,
  }
}

async function wire<S extends TObject>(
  service: ServiceDefinition<S>,
  options: BuildOptions,
  base: Base<S>,
): Promise<SoniaApp> {
  const { name, settings, health, log, metrics, originOf } = base
  const trust = createTrust({
    ...base,
    evaOrigin: originOf('eva-os'),
    verifier: options.verifier,
    tokens: options.tokens,
  })
  // The guard exists only once the server does; until then nothing can be late.
  let delayMs = () => 0
  const routing = createServiceRouting(base, trust, () => delayMs())
  const makeId = createCorrelationIds()
  const debug = settings.logLevel === 'DEBUG'
  const app = await createServer({ service: name, log: log.log, debug, makeId, unmatched: routing.unmatched })
  base.app = app
  // Loading a service blocks its own event loop; a sample that still holds this says nothing of its load.
  let readyAtMs = Number.POSITIVE_INFINITY
  const measuredDelayMs = () =>
    base.clock.monotonicMs() < readyAtMs + LOADING_SAMPLES_MS
      ? 0
      : knownDelayMs(app.memoryUsage().eventLoopDelay)
  delayMs = options.loopDelayMs ?? measuredDelayMs
  routing.attach(app)
  addNeighbourChecks(name, health, originOf)
  await service.setup({
    ...base,
    app,
    log: log.log,
    neighbours: options.neighbours ?? openNeighbours(base, trust.tokens),
    onDrain: (what, drain) => base.drains.add(what, drain),
    onStop: (what, stop) => base.stops.add(what, stop),
    readSecret: createSecretReader(options.env ?? {}),
    startCall: (call) => startCall(call, base.clock, makeId),
    useTokenIssuer: trust.useIssuer,
    useOperatorCheck: trust.useOperatorCheck,
  } satisfies ServiceContext<Static<S>>)
  addStandardRoutes({
    ...base,
    app,
    scrape: () => scrape(metrics),
    openApi: createOpenApi({ title: name, version: settings.version }, routing.documented),
  })
  await app.ready()
  readyAtMs = base.clock.monotonicMs()
  return app
}

function createServiceRouting<S extends TObject>(
  base: Base<S>,
  trust: Trust,
  delayMs: () => number,
): Routing {
  const { name, clock, tracer, inFlight, log, metrics, settings } = base
  const shed = createShedding(delayMs, settings.shedAfterMs)
  return createRouting({
    life: { service: name, clock, tracer, accessLog: log.accessLog, inFlight, shed },
    access: trust.access,
    metrics: createRequestMetrics(metrics, clock, () => inFlight.oldestStartMs()),
    logContent: settings.logContent,
  })
}

function openNeighbours<S extends TObject>(base: Base<S>, tokens: TokenSource): Neighbours {
  const { originOf, clock, metrics, tracer } = base
  const neighbours = createNeighbours({ originOf, tokens, clock, tracer, metrics })
  base.stops.add('calls onward', () => neighbours.close())
  return neighbours
}

async function stopAll<S extends TObject>(base: Base<S>): Promise<void> {
  base.health.drain()
  await base.drains.run()
  await closeServer(base)
  await base.stops.run()
  base.inFlight.stop()
  base.metrics.close()
  base.log.close()
}

/** No new connections; what is in flight may finish, then it is told to stop, then it is cut off. */
async function closeServer<S extends TObject>({ app, inFlight, log }: Base<S>): Promise<void> {
  if (app === undefined) return
  const closed = app.close().catch((error: unknown) => {
    log.log.error({ operation: 'stop', error }, 'the server did not close cleanly')
  })
  for (const [limitMs, then] of [
    [DRAIN_MS, () => inFlight.abortAll()],
    [ABORTED_MS, () => app.server.closeAllConnections()],
  ] as const) {
    const isClosed = await within(limitMs, () => closed).then(
      () => true,
      () => false,
    )
    if (isClosed) return
    log.log.warn({ operation: 'stop', in_flight: inFlight.size }, 'requests in flight did not finish in time')
    then()
  }
  await within(STOP_STEP_MS, () => closed).catch(() => undefined)
}

function onceOnly(fn: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= fn()
    return running
  }
}
