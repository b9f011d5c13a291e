import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CATALOG, portAt, SERVICE_NAMES, type ServiceName } from '#catalog'
import { startUpstreamDouble, type UpstreamDouble } from '#gates/doubles/upstream.ts'
import { askService, type ServiceAnswer, type ServiceRequest } from '#gates/runners/service-access.ts'
import { repositoryPrograms, serviceEnvironment } from '#ops/service-programs.ts'
import { prepareHome, type StateHome, writeBootstrapSecrets } from '#ops/state-home.ts'
import { reservePortBase } from '../reserve-port-base.ts'

/** The six real services without the supervisor that would bring a dead one back: each is ended and started at will. */
export interface FragileStack {
  readonly home: string
  readonly portBase: number
  /** Ends a service the hard way, with nothing said. */
  kill(service: ServiceName): Promise<void>
  /** Starts a service that was ended (by way of the program named first, if any), and waits until it answers. */
  revive(service: ServiceName, through?: readonly string[]): Promise<void>
  stop(): Promise<void>
}

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
/** Six processes compile their modules at once; a loaded machine needs its time. */
const START_LIMIT_MS = 300_000
const RUN_ID = 'fragile'

async function startFragileStack(
  sections: object = {},
  services: readonly ServiceName[] = SERVICE_NAMES,
): Promise<FragileStack> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-fragile-'))
  await mkdir(join(home, 'config'), { mode: 0o700 })
  const configuration = { services: sections }
  await writeFile(join(home, 'config', 'sonia.json'), JSON.stringify(configuration), { mode: 0o600 })
  const folders = prepareHome({ home, repo: REPOSITORY })
  writeBootstrapSecrets(folders)
  const portBase = await reservePortBase()
  const children = new Map<ServiceName, ChildProcess>()
  const start = (service: ServiceName, through: readonly string[] = []) =>
    children.set(service, spawnService(service, { folders, portBase, through }))
  const end = async (service: ServiceName, signal: NodeJS.Signals) => {
    const child = children.get(service)
    children.delete(service)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  const stop = async () => {
    await Promise.all(SERVICE_NAMES.map((service) => end(service, 'SIGTERM')))
    await rm(home, { recursive: true, force: true })
  }
  try {
    for (const service of services) start(service)
    for (const service of services) await untilUp(service, portBase)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    home,
    portBase,
    stop,
    kill: (service) => end(service, 'SIGKILL'),
    async revive(service, through) {
      if (!children.has(service)) start(service, through)
      await untilUp(service, portBase)
    },
  }
}

/** A stack and the double that it asks as its provider of models. */
export interface StackWithDouble {
  readonly double: UpstreamDouble
  readonly stack: FragileStack
  readonly stop: () => Promise<void>
}

/** A start that fails leaves nothing that keeps the process alive. */
export async function startWithDouble(
  sections: (baseUrl: string) => object,
  services?: readonly ServiceName[],
): Promise<StackWithDouble> {
  const double = await startUpstreamDouble()
  try {
    const stack = await startFragileStack(sections(double.baseUrl), services)
    const stop = async () => {
      await stack.stop()
      await double.close()
    }
    return { double, stack, stop }
  } catch (error) {
    await double.close()
    throw error
  }
}

interface SpawnSettings {
  readonly folders: StateHome
  readonly portBase: number
  readonly through: readonly string[]
}

function spawnService(service: ServiceName, { folders, portBase, through }: SpawnSettings): ChildProcess {
  const { command, args } = repositoryPrograms(REPOSITORY)(service)
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const host = { env, clock }
  const [program = command, ...rest] = [...through, command, ...args]
  return spawn(program, rest, {
    env: serviceEnvironment({ repo: REPOSITORY, host, folders, runId: RUN_ID, portBase }),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

async function untilUp(service: ServiceName, portBase: number): Promise<void> {
  const url = `http://127.0.0.1:${portAt(CATALOG[service].port, portBase)}/healthz`
  await until(`${service} to answer`, START_LIMIT_MS, async () => {
    const answer = await fetch(url).catch(() => null)
    await answer?.body?.cancel()
    return answer?.ok === true
  })
}

const OVERLOADED_TRIES = 20

/** One request from outside; one that a loaded machine shed is sent again, since load is not what is tested here. */
export async function ask(
  stack: FragileStack,
  service: ServiceName,
  request: ServiceRequest,
): Promise<ServiceAnswer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await askService(stack, service, { timeoutMs: 30_000, ...request })
    if (!JSON.stringify(answer.body).includes('"OVERLOADED"') || tries === OVERLOADED_TRIES) return answer
    await sleep(250)
  }
}

/** Polls a real condition; fails with what it waited for. */
export async function until(
  what: string,
  limitMs: number,
  holds: () => Promise<boolean> | boolean,
): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms for ${what}`)
    await sleep(25)
  }
}
