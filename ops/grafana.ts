import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { portAt, WATCH_PORTS } from '#catalog'
import { compareVersions, versionIn } from '#tools/version.ts'
import type { OpsHost } from './host.ts'
import { ownsPort, takenPorts } from './process/listening-ports.ts'
import { WATCH_MARKER } from './process/run-processes.ts'
import { ProcessSlot } from './process-slot.ts'
import { probe } from './readiness.ts'
import { inherited } from './service-programs.ts'
import type { StateHome } from './state-home.ts'
import { writeWhole } from './write-whole.ts'

/** Dashboards and provisioning are written for this line; an older one would show half of them. */
const VERSION_MIN = '12.0.0'
const VERSION_TIMEOUT_MS = 10_000
const READY_TIMEOUT_MS = 60_000
const GRACE_MS = 10_000

export interface FoundGrafana {
  readonly path: string
  readonly version: string
}

/** The first Grafana on PATH that is not too old; undefined where there is none. It is never built or fetched. */
export async function findGrafana(env: OpsHost['env']): Promise<FoundGrafana | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, 'grafana')
    if (!existsSync(path)) continue
    const version = await versionOf(path)
    if (version !== null && compareVersions(version, VERSION_MIN) >= 0) return { path, version }
  }
  return undefined
}

async function versionOf(path: string): Promise<string | null> {
  const asked = promisify(execFile)(path, ['--version'], { timeout: VERSION_TIMEOUT_MS })
  return asked.then(
    ({ stdout }) => versionIn(stdout),
    () => null,
  )
}

export interface GrafanaOptions {
  readonly repo: string
  readonly folders: StateHome
  readonly portBase: number
  readonly runId: string
  readonly host: OpsHost
  readonly log: (level: 'INFO' | 'WARN', operation: string, message: string) => void
}

export interface RunningGrafana {
  stop(): Promise<void>
}

/** Starts a Grafana that is on PATH; undefined where there is none, or where its port is taken. Nobody waits for it. */
export async function startGrafana(options: GrafanaOptions): Promise<RunningGrafana | undefined> {
  const { folders, portBase, host, log } = options
  const found = await findGrafana(host.env)
  if (found === undefined) return undefined
  const port = portAt(WATCH_PORTS.grafana, portBase)
  if (takenPorts([port]).length > 0) {
    log('WARN', 'grafana', `port ${port} is taken: Grafana ${found.version} is not started`)
    return undefined
  }
  const slot = new ProcessSlot({
    name: 'grafana',
    program: { command: found.path, args: ['server', ...homePath(found.path)] },
    env: { ...inherited(host.env), ...environmentOf(options, port) },
    cwd: folders.run,
    outputFile: join(folders.logs, 'grafana.out'),
    clock: host.clock,
    restart: true,
    isReady: async (pid) => ownsPort(pid, port) && (await probe(port, '/api/health'))?.status === 200,
    onChange: (change) => {
      if (change.kind !== 'spawned') log('WARN', change.kind, `grafana ended ${change.cause}`)
    },
  })
  writeProvisioning(options)
  await slot.spawn()
  const giveUp = new AbortController()
  slot
    .becomeReady(READY_TIMEOUT_MS, giveUp.signal)
    .then(() => log('INFO', 'ready', `grafana ${found.version} at http://127.0.0.1:${port}`))
    .catch((error: unknown) => log('WARN', 'grafana', error instanceof Error ? error.message : String(error)))
  return {
    stop: async () => {
      giveUp.abort()
      await slot.stop(GRACE_MS)
    },
  }
}

/** Beside the binary of an unpacked archive; a package knows its own. */
function homePath(path: string): readonly string[] {
  const beside = dirname(dirname(realpathSync(path)))
  const home = [beside, '/usr/share/grafana'].find((folder) =>
    existsSync(join(folder, 'conf', 'defaults.ini')),
  )
  return home === undefined ? [] : [`--homepath=${home}`]
}

/** As in docker-compose.yml: anybody on this machine looks, nobody changes. */
function environmentOf(
  { repo, folders, runId }: GrafanaOptions,
  port: number,
): Readonly<Record<string, string>> {
  const data = join(folders.data, 'grafana')
  return {
    SONIA_HOME: folders.home,
    [WATCH_MARKER]: runId,
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_HTTP_PORT: String(port),
    GF_PATHS_DATA: data,
    GF_PATHS_LOGS: data,
    GF_PATHS_PLUGINS: join(data, 'plugins'),
    GF_PATHS_PROVISIONING: provisioningFolder(folders),
    GF_AUTH_ANONYMOUS_ENABLED: 'true',
    GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
    GF_AUTH_DISABLE_LOGIN_FORM: 'true',
    GF_ANALYTICS_REPORTING_ENABLED: 'false',
    GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
    GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: join(dashboardsFolder(repo), 'sonia-production.json'),
  }
}

const provisioningFolder = (folders: StateHome) => join(folders.run, 'grafana', 'provisioning')
const dashboardsFolder = (repo: string) => join(repo, 'grafana', 'dashboards')

interface DataSource {
  readonly uid: string
  url: string
  jsonData?: { exemplarTraceIdDestinations?: readonly { readonly datasourceUid: string }[] }
}

/** The provisioning of the repository; of its data sources those that exist outside compose. */
function writeProvisioning({ repo, folders, portBase }: GrafanaOptions): void {
  const to = provisioningFolder(folders)
  for (const name of ['datasources', 'dashboards'])
    mkdirSync(join(to, name), { recursive: true, mode: 0o700 })
  const read = (name: string) =>
    parse(readFileSync(join(repo, 'grafana', 'provisioning', name, 'sonia.yaml'), 'utf8')) as object
  const local = (port: number) => `http://127.0.0.1:${portAt(port, portBase)}`
  const urls: Readonly<Record<string, string>> = {
    'sonia-prometheus': local(WATCH_PORTS.prometheus),
    'sonia-alertmanager': local(WATCH_PORTS.alertmanager),
  }
  const sources = read('datasources') as { datasources: readonly DataSource[] }
  const datasources = sources.datasources.flatMap((source) => {
    const url = urls[source.uid]
    if (url === undefined) return []
    const { exemplarTraceIdDestinations: links = [], ...jsonData } = source.jsonData ?? {}
    const kept = links.filter(({ datasourceUid }) => urls[datasourceUid] !== undefined)
    return [{ ...source, url, jsonData: { ...jsonData, exemplarTraceIdDestinations: kept } }]
  })
  const dashboards = read('dashboards') as { providers: readonly { readonly options: object }[] }
  const providers = dashboards.providers.map((provider) => ({
    ...provider,
    options: { ...provider.options, path: dashboardsFolder(repo) },
  }))
  writeWhole(join(to, 'datasources', 'sonia.yaml'), stringify({ ...sources, datasources }), 0o600)
  writeWhole(join(to, 'dashboards', 'sonia.yaml'), stringify({ ...dashboards, providers }), 0o600)
}
