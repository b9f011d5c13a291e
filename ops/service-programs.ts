import { join } from 'node:path'
import { CATALOG, SERVICE_NAMES, type ServiceName, WATCH_PORTS, portAt } from '#catalog'
import { SERVICE_MALLOC, SERVICE_NODE_FLAGS } from './service-memory.ts'
import { cacheEnvironment } from './start-caches.ts'
import type { OpsHost } from './host.ts'
import { RUN_MARKER } from './process/run-processes.ts'
import { type StateHome, temporaryFolder } from './state-home.ts'

/** Ports of the six services at this port base. */
export function servicePorts(portBase: number): Readonly<Record<ServiceName, number>> {
  const pairs = SERVICE_NAMES.map((name) => [name, portAt(CATALOG[name].port, portBase)])
  return Object.fromEntries(pairs) as Record<ServiceName, number>
}

/** What is executed for a service or a tool. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
}

export type ServicePrograms = (service: ServiceName) => Program

/** The repository's own services: TypeScript sources on this very Node, telemetry loaded first. */
export function repositoryPrograms(repo: string): ServicePrograms {
  return (service) => ({
    command: process.execPath,
    args: [
      ...SERVICE_NODE_FLAGS,
      '--import',
      join(repo, 'otel', 'register.ts'),
      join(repo, 'services', service, 'main.ts'),
    ],
  })
}

export interface ServiceEnvironmentOptions {
  readonly repo: string
  readonly host: OpsHost
  readonly folders: StateHome
  readonly runId: string
  readonly portBase: number
  readonly extra?: Readonly<Record<string, string>>
}

/** The caller's environment (secrets are referenced as env:NAME) with the run's own settings on top. */
export function serviceEnvironment(options: ServiceEnvironmentOptions): Readonly<Record<string, string>> {
  const collector = portAt(WATCH_PORTS.collector, options.portBase)
  return {
    ...inherited(options.host.env),
    SONIA_HOME: options.folders.home,
    // What libraries put down for a while (a browser's profile) belongs to the state folder like all else.
    TMPDIR: temporaryFolder(options.folders),
    SONIA_PORT_BASE: String(options.portBase),
    ...SERVICE_MALLOC,
    ...cacheEnvironment(options.repo),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector}`,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    ...options.extra,
    [RUN_MARKER]: options.runId,
  }
}

/** Markers of an enclosing run, and what a test runner tells its children, must not travel into the services. */
const NOT_INHERITED = new Set([
  'SONIA_RUN',
  'SONIA_WATCH_RUN',
  'NODE_TEST_CONTEXT',
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
])

export function inherited(env: OpsHost['env']): Readonly<Record<string, string>> {
  const pairs = Object.entries(env).filter(([name, value]) => value !== undefined && !NOT_INHERITED.has(name))
  return Object.fromEntries(pairs) as Record<string, string>
}
