import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * The upstream double as a process of its own, for tests: real sockets, and no import of the gates by a service.
 * It is told what to do, and asked what it saw, over HTTP.
 */
export interface DoubleProcess {
  readonly baseUrl: string
  setFaults(rules: readonly object[]): Promise<void>
  state(): Promise<DoubleState>
  stop(): Promise<void>
}

interface DoubleState {
  readonly requests: number
  readonly completed: number
  readonly aborted: number
  readonly in_flight: number
  readonly connections: number
  readonly seen: readonly {
    readonly path: string
    readonly headers: Record<string, string>
    readonly body: Record<string, unknown>
  }[]
}

const PROGRAM = fileURLToPath(new URL('../../../gates/doubles/upstream-main.ts', import.meta.url))

export async function startDouble(args: readonly string[] = []): Promise<DoubleProcess> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { port } = JSON.parse(await firstLine(child)) as { port: number }
  const control = `http://127.0.0.1:${port}/double`
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    async setFaults(rules) {
      const answer = await fetch(`${control}/faults`, { method: 'PUT', body: JSON.stringify(rules) })
      if (!answer.ok) throw new Error(`the double refused the rules: ${await answer.text()}`)
    },
    state: async () => (await fetch(`${control}/state`)).json() as Promise<DoubleState>,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the double has no output')
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return line
}
