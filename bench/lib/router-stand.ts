import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { spawn } from 'node:child_process'
import { CATALOG, portAt, WATCH_PORTS } from '#catalog'
import { createTokenMaker } from '#chassis/testing.ts'
import { startProgram, stopChild } from './child-process.ts'
import { serveJson } from './serve-json.ts'

/** A model-router with all its duties in a process of its own, an upstream double behind it, and what it needs. */
export interface RouterStand {
  readonly routerUrl: string
  readonly doubleUrl: string
  /** Of the double, without the path. */
  readonly doubleOrigin: string
  readonly token: string
  stop(): Promise<void>
}

const PORT_BASE = 26_000
const READY_MS = 60_000
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

export interface RouterStandOptions {
  readonly tokenDelayMs?: number
  /** Benches may run side by side, each with ports of its own. */
  readonly portBase?: number
}

export async function startRouterStand(
  models: readonly string[],
  { tokenDelayMs = 0, portBase = PORT_BASE }: RouterStandOptions = {},
): Promise<RouterStand> {
  const double = await startProgram([
    path('../../gates/doubles/upstream-main.ts'),
    `--token-delay-ms=${tokenDelayMs}`,
  ])
  const doubleOrigin = `http://127.0.0.1:${String(double.hello['port'])}`
  const tokens = await createTokenMaker()
  // eva-os's keys and the Collector's ear: the router verifies tokens and exports spans for real.
  const keys = await serveJson(portAt(CATALOG['eva-os'].port, portBase), JSON.stringify(tokens.jwks))
  const collector = await serveJson(portAt(WATCH_PORTS.collector, portBase), '{}')
  const home = await mkdtemp(join(tmpdir(), 'sonia-bench-'))
  await configure(home, `${doubleOrigin}/v1`, models)
  const router = spawn(
    process.execPath,
    ['--import', path('../../otel/register.ts'), path('../../services/model-router/main.ts')],
    {
      env: { SONIA_HOME: home, SONIA_RUN: 'bench', SONIA_PORT_BASE: String(portBase) },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const routerUrl = `http://127.0.0.1:${portAt(CATALOG['model-router'].port, portBase)}`
  await untilReady(routerUrl).catch(async (error: unknown) => {
    // Nothing of a stand that did not come up may hold its ports.
    await stopChild(router)
    await double.stop()
    throw error
  })
  return {
    routerUrl,
    doubleUrl: `${doubleOrigin}/v1`,
    doubleOrigin,
    token: await tokens.make('api-gateway', 'model-router'),
    async stop() {
      await stopChild(router)
      await double.stop()
      for (const server of [keys, collector]) {
        server.closeAllConnections()
        server.close()
      }
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function configure(home: string, baseUrl: string, models: readonly string[]): Promise<void> {
  const provider = {
    kind: 'openai',
    base_url: baseUrl,
    models: models.map((name) => ({ name })),
    max_concurrent: 512,
  }
  const router = { providers: { upstream: provider }, embedded: false }
  await mkdir(join(home, 'config'), { recursive: true })
  await writeFile(
    join(home, 'config', 'sonia.json'),
    JSON.stringify({ services: { 'model-router': router } }),
  )
}

async function untilReady(url: string): Promise<void> {
  const until = performance.now() + READY_MS
  while (performance.now() < until) {
    const answer = await fetch(`${url}/readyz`).catch(() => null)
    if (answer?.ok === true) return
    await sleep(50)
  }
  throw new Error('the router was not ready in time')
}
