/** The six services: one name each, used for folder, process, metric label, log field and port. Pure data. */
export const SERVICE_NAMES = [
  'api-gateway',
  'model-router',
  'memory-engine',
  'pipecat',
  'openclaw',
  'eva-os',
] as const

export type ServiceName = (typeof SERVICE_NAMES)[number]

/** Watches and operates the stack from outside the six: it may call all of them, and none calls it. */
export const SUPERVISOR = 'supervisor'
export const CALLER_NAMES = [...SERVICE_NAMES, SUPERVISOR] as const
export type CallerName = (typeof CALLER_NAMES)[number]

export interface ServiceEntry {
  readonly name: ServiceName
  /** TCP port at port base 7000; `--port-base N` adds N - 7000. */
  readonly port: number
  /** Neighbours that `/readyz` checks and that stop after this one. */
  readonly dependsOn: readonly ServiceName[]
  /** Callees for which eva-os issues this service a token; no other pair exists. */
  readonly mayCall: readonly ServiceName[]
  /** Folder below `$SONIA_HOME/data` that this service alone writes; null where it keeps no state. */
  readonly stateFolder: string | null
}

export const CATALOG: Readonly<Record<ServiceName, ServiceEntry>> = {
  'api-gateway': {
    name: 'api-gateway',
    port: 7000,
    dependsOn: ['model-router', 'memory-engine', 'openclaw', 'eva-os'],
    mayCall: ['model-router', 'memory-engine', 'openclaw', 'eva-os', 'pipecat'],
    stateFolder: 'api-gateway',
  },
  'model-router': {
    name: 'model-router',
    port: 7010,
    dependsOn: [],
    mayCall: [],
    stateFolder: null,
  },
  'memory-engine': {
    name: 'memory-engine',
    port: 7020,
    dependsOn: [],
    mayCall: ['model-router'],
    stateFolder: 'memory',
  },
  pipecat: {
    name: 'pipecat',
    port: 7030,
    dependsOn: ['api-gateway'],
    mayCall: ['api-gateway'],
    stateFolder: 'sessions',
  },
  openclaw: {
    name: 'openclaw',
    port: 7040,
    dependsOn: ['eva-os'],
    mayCall: ['eva-os'],
    stateFolder: 'openclaw',
  },
  'eva-os': {
    name: 'eva-os',
    port: 7050,
    dependsOn: [],
    mayCall: ['api-gateway', 'model-router', 'memory-engine', 'pipecat', 'openclaw'],
    stateFolder: 'eva-os',
  },
}

/** Who may hold a token for whom; no other pair exists. */
export function mayCall(caller: CallerName, callee: ServiceName): boolean {
  return caller === SUPERVISOR || CATALOG[caller].mayCall.includes(callee)
}

/**
 * Databases below the state folder, and the schema (user_version) that this version brings each to. A state with a
 * higher one is refused before anything starts, one with a lower one is backed up before its migration.
 */
export const STATE_DATABASES = [
  { path: 'data/memory/sonia.db', schemaVersion: 3 },
  { path: 'data/eva-os/eva-os.db', schemaVersion: 1 },
  { path: 'data/api-gateway/gateway.db', schemaVersion: 1 },
] as const

/** Ports of the watching side, at port base 7000. */
export const WATCH_PORTS = {
  prometheus: 9090,
  alertmanager: 9093,
  collector: 4318,
  collectorHealth: 13133,
  collectorMetrics: 8888,
  grafana: 3000,
  ops: 7090,
  upstreamDouble: 7095,
  pagerDouble: 7096,
} as const

export const DEFAULT_PORT_BASE = 7000

/** Port of a service or tool for a port base; the offset is the same for the whole set. */
export function portAt(portAtDefaultBase: number, portBase: number): number {
  return portAtDefaultBase + (portBase - DEFAULT_PORT_BASE)
}
