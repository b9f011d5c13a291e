import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOG, type ServiceName } from '#catalog'

/** Where one service keeps what it keeps. Nothing is written outside `home`. */
export interface StatePaths {
  readonly home: string
  /** Folder of sonia.json, policies and the operator key. */
  readonly config: string
  /** This service's own folder, mode 0700; a service without state has one under run/. */
  readonly data: string
  readonly logs: string
  readonly run: string
  readonly sandbox: string
  /** Bootstrap secret of this run, written by the supervisor. */
  readonly secretFile: string
}

export function statePaths(home: string, name: ServiceName, sandboxRoot: string): StatePaths {
  const { stateFolder } = CATALOG[name]
  return {
    home,
    config: join(home, 'config'),
    data: stateFolder === null ? join(home, 'run', name) : join(home, 'data', stateFolder),
    logs: join(home, 'logs'),
    run: join(home, 'run'),
    sandbox: sandboxRoot,
    secretFile: join(home, 'run', 'secrets', name),
  }
}

export function createStateFolders(paths: StatePaths): void {
  for (const folder of [paths.data, paths.logs, paths.run])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
}
