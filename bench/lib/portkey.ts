import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stopChild } from './child-process.ts'

/**
 * Portkey's gateway in a process of its own, as its package starts it. bench/peers pins its `@hono/node-server` at 1.14.0:
 * with 1.14.4 and later, 1.15.2 answers every stream with 500 on Node 24 ("immutable").
 */
export interface Portkey {
  readonly origin: string
  /** Names the provider behind it, request by request: that is how it is told. */
  headersFor(baseUrl: string): Record<string, string>
  stop(): Promise<void>
}

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url))
const PROGRAM = join(PEERS, 'node_modules', '@portkey-ai/gateway', 'build', 'start-server.js')
const READY_MS = 30_000

/** Null where the peers are not installed (`npm ci` in bench/peers). */
export async function startPortkey(port: number): Promise<Portkey | null> {
  if (!existsSync(PROGRAM)) return null
  const child = spawn(execPath, [PROGRAM, `--port=${port}`, '--headless'], {
    env: { NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const origin = `http://127.0.0.1:${port}`
  await untilAnswers(origin)
  return {
    origin,
    headersFor: (baseUrl) => ({
      authorization: 'Bearer none',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': baseUrl,
    }),
    stop: () => stopChild(child),
  }
}

async function untilAnswers(origin: string): Promise<void> {
  const until = performance.now() + READY_MS
  while (performance.now() < until) {
    const answer = await fetch(origin).catch(() => null)
    await answer?.body?.cancel()
    if (answer?.ok === true) return
    await sleep(50)
  }
  throw new Error('Portkey was not ready in time')
}
