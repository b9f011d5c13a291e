import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CATALOG, portAt, SERVICE_NAMES, type ServiceName } from '#catalog'
import { eventually } from '#chassis/testing.ts'

/** The processes that answer a chat: eva-os, memory-engine, model-router and api-gateway, as the supervisor starts them. */
export interface TurnPath {
  readonly gatewayUrl: string
  /** Ends one of them the hard way. */
  kill(service: ServiceName): Promise<void>
  stop(): Promise<void>
}

const ON_THE_PATH = ['eva-os', 'memory-engine', 'model-router', 'api-gateway'] as const
/** Four processes compile their modules at once; a loaded machine needs its time. */
const START_LIMIT_MS = 90_000
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

export async function startTurnPath(options: { portBase: number; router: object }): Promise<TurnPath> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-turn-'))
  await prepare(home, options.router)
  const children = new Map(
    ON_THE_PATH.map((name) => [name as ServiceName, start(name, home, options.portBase)]),
  )
  const urlOf = (name: ServiceName) => `http://127.0.0.1:${portAt(CATALOG[name].port, options.portBase)}`
  const end = async (name: ServiceName, signal: NodeJS.Signals) => {
    const child = children.get(name)
    children.delete(name)
    if (child === undefined || child.exitCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  const stop = async () => {
    await Promise.all([...children.keys()].map((name) => end(name, 'SIGTERM')))
    await rm(home, { recursive: true, force: true })
  }
  try {
    for (const name of ON_THE_PATH) await eventually(() => isUp(urlOf(name)), START_LIMIT_MS)
  } catch (error) {
    await stop()
    throw error
  }
  return { gatewayUrl: urlOf('api-gateway'), kill: (name) => end(name, 'SIGKILL'), stop }
}

async function isUp(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/healthz`).catch(() => null)
  await answer?.body?.cancel()
  return answer?.ok === true
}

async function prepare(home: string, router: object): Promise<void> {
  const secrets = join(home, 'run', 'secrets')
  await mkdir(secrets, { recursive: true, mode: 0o700 })
  await mkdir(join(home, 'config'), { mode: 0o700 })
  await cp(path('../../../config/policies'), join(home, 'config', 'policies'), { recursive: true })
  const secret = () => randomBytes(32).toString('base64url')
  for (const name of SERVICE_NAMES) await writeFile(join(secrets, name), secret(), { mode: 0o600 })
  await writeFile(join(home, 'config', 'operator.key'), secret(), { mode: 0o600 })
  await writeFile(
    join(home, 'config', 'sonia.json'),
    JSON.stringify({ services: { 'model-router': router } }),
  )
}

function start(name: ServiceName, home: string, portBase: number): ChildProcess {
  return spawn(
    process.execPath,
    ['--import', path('../../../otel/register.ts'), path(`../../${name}/main.ts`)],
    {
      env: { SONIA_HOME: home, SONIA_RUN: 'turn-path', SONIA_PORT_BASE: String(portBase) },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
}
