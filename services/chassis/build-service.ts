import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import type { DestinationStream } from 'pino'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Static, TObject } from 'typebox'
import { CATALOG, DEFAULT_PORT_BASE, portAt, type ServiceName } from '#catalog'
import packageFile from '../../package.json' with { type: 'json' }
import { findTelemetry } from '../../otel/handle.ts'
import type { AccessParts } from './access.ts'
import { startCall } from './call-context.ts'
import { type Clock, systemClock } from './clock.ts'
import { loadConfig, sharedSettings } from './config.ts'
import { createCorrelationIds } from './correlation.ts'
import type { ServiceContext, ServiceDefinition, SoniaApp } from './define-service.ts'
import { createHealth, type HealthState } from './health.ts'
import { createInFlight, type InFlight } from './in-flight.ts'
import { createLogging, type Logging } from './log-setup.ts'
import { createMetrics, type ServiceMetrics } from './metrics.ts'
import { addNeighbourChecks } from './neighbour-checks.ts'
import { createNeighbours, type Neighbours } from './neighbours.ts'
import { mergeOpenMetrics } from './open-metrics.ts'
import { createOpenApi } from './openapi.ts'
import { createOperatorCheck } from './operator-key.ts'
import { createRequestMetrics } from './request-metrics.ts'
import { createRouting } from './routing.ts'
import { createSecretReader } from './secrets.ts'
import { createServer, createShedding } from './server.ts'
import { addStandardRoutes } from './standard-routes.ts'
import { createStateFolders, type StatePaths, statePaths } from './state-paths.ts'
import { createStopList, type StopList } from './stop-list.ts'
import { fetchJwks, requestToken } from './token-exchange.ts'
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts'
import { createTokenSource, type TokenIssuer, type TokenSource } from './tokens.ts'
import { TRACER_NAME } from './tracing.ts'

const STOP_STEP_MS = 500

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
}

export interface BuiltService {
  readonly app: SoniaApp
  readonly health: HealthState
  readonly log: Logging
  readonly port: number
  readonly bind: string
  /** Undoes everything in reverse order. Safe to call twice. */
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
  const stopOnce = onceOnly(() => stopAll(base))
  try {
    return await wire(service, options, base, stopOnce)
  } catch (error) {
    await stopOnce()
    throw error
  }
}

interface Base<S extends TObject> {
  readonly clock: Clock
  readonly startedAtMs: number
  readonly config: Static<S>
  readonly settings: ReturnType<typeof sharedSettings>
  readonly paths: StatePaths
  readonly metrics: ServiceMetrics
  readonly log: Logging
  readonly health: HealthState
  readonly inFlight: InFlight
  readonly stops: StopList
  readonly originOf: (to: ServiceName) => string
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
    clock,
    startedAtMs: clock.monotonicMs(),
    config: loaded.service,
    settings,
    paths,
    metrics,
    log,
    health: createHealth((value) => status.set(value)),
    inFlight: createInFlight(clock),
    stops: createStopList(log.log, STOP_STEP_MS),
    originOf: options.originOf ?? ((to) => `http://127.0.0.1:${portAt(CATALOG[to].port, portBase)}`),
  }
}

async function wire<S extends TObject>(
  service: ServiceDefinition<S>,
  options: BuildOptions,
  base: Base<S>,
  stop: () => Promise<void>,
): Promise<BuiltService> {
  const { name } = service
  const { clock, settings, paths, metrics, log, health, inFlight } = base
  const trust = createTrust(name, options, base)
  const makeId = createCorrelationIds()
  const tracer = trace.getTracer(TRACER_NAME)
  // The guard exists only once the server does; until then nothing can be late.
  let delayMs = () => 0
  const routing = createRouting({
    life: {
      service: name,
      clock,
      tracer,
      accessLog: log.accessLog,
      inFlight,
      shed: createShedding(() => delayMs()),
    },
    access: trust.access,
    metrics: createRequestMetrics(metrics, clock, () => inFlight.oldestStartMs()),
  })
  const debug = settings.logLevel === 'DEBUG'
  const app = await createServer({ service: name, log: log.log, debug, makeId, unmatched: routing.unmatched })
  delayMs = () => app.memoryUsage().eventLoopDelay
  routing.attach(app)
  base.stops.add('server', () => app.close())
  const neighbours = options.neighbours ?? openNeighbours(base, trust.tokens)
  const ctx: ServiceContext<Static<S>> = {
    name,
    app,
    config: base.config,
    settings,
    paths,
    log: log.log,
    metrics,
    tracer,
    neighbours,
    health,
    clock,
    onStop: (what, stopIt) => base.stops.add(what, stopIt),
    readSecret: createSecretReader(options.env ?? {}),
    startCall: (call) => startCall(call, clock, makeId),
    useTokenIssuer: trust.useIssuer,
    useOperatorCheck: trust.useOperatorCheck,
  }
  addNeighbourChecks(name, health, base.originOf)
  await service.setup(ctx)
  addStandardRoutes({
    app,
    name,
    settings,
    health,
    clock,
    startedAtMs: base.startedAtMs,
    scrape: () => scrape(metrics),
    openApi: createOpenApi({ title: name, version: settings.version }, routing.documented),
  })
  await app.ready()
  return { app, health, log, port: portAt(CATALOG[name].port, settings.portBase), bind: settings.bind, stop }
}

interface Trust {
  readonly access: AccessParts
  readonly tokens: TokenSource
  readonly useIssuer: (issuer: TokenIssuer) => void
  readonly useOperatorCheck: (check: (presented: string) => boolean) => void
}

/** Who we believe, and what we show to be believed. eva-os replaces both ends by its own issuer. */
function createTrust<S extends TObject>(name: ServiceName, options: BuildOptions, base: Base<S>): Trust {
  const { clock, settings } = base
  const evaOrigin = base.originOf('eva-os')
  let issuer: TokenIssuer | undefined
  let checkOperator = createOperatorCheck(name, base.paths.config)
  const failures = base.metrics.counter('sonia_service_auth_failures_total')
  const tokens = createTokenSource({
    secretFile: base.paths.secretFile,
    clock,
    request: (request) => requestToken(evaOrigin, name, request),
    pause: (ms) => sleep(ms),
  })
  return {
    access: {
      verifier:
        options.verifier ??
        createTokenVerifier({
          audience: name,
          clock,
          fetchKeys: async () => (issuer === undefined ? fetchJwks(evaOrigin) : issuer.jwks()),
        }),
      apiKeys: settings.apiKeys,
      browser: settings,
      checkOperator: (presented) => checkOperator(presented),
      onFailure: (reason) => failures.inc({ reason }),
    },
    tokens: options.tokens ?? {
      tokenFor: async (audience) =>
        issuer === undefined ? tokens.tokenFor(audience) : (await issuer.issue(audience)).token,
      forget: (audience) => tokens.forget(audience),
    },
    useIssuer: (given) => {
      issuer = given
    },
    useOperatorCheck: (check) => {
      checkOperator = check
    },
  }
}

function openNeighbours<S extends TObject>(base: Base<S>, tokens: TokenSource): Neighbours {
  const { originOf, clock, metrics } = base
  const neighbours = createNeighbours({
    originOf,
    tokens,
    clock,
    tracer: trace.getTracer(TRACER_NAME),
    metrics,
  })
  base.stops.add('calls onward', () => neighbours.close())
  return neighbours
}

async function scrape(metrics: ServiceMetrics): Promise<string> {
  const telemetry = findTelemetry()
  if (telemetry === undefined) return metrics.exposition()
  const dropped = metrics.counter('sonia_spans_dropped_total')
  dropped.reset()
  dropped.inc(telemetry.droppedSpans())
  const [own, theirs] = await Promise.all([metrics.exposition(), telemetry.collectMetrics()])
  return mergeOpenMetrics(own, theirs)
}

async function stopAll<S extends TObject>(base: Base<S>): Promise<void> {
  await base.stops.run()
  base.inFlight.stop()
  base.metrics.close()
  base.log.close()
}

function onceOnly(fn: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= fn()
    return running
  }
}
