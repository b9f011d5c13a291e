import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Stack, startStack, type StopReport } from '#ops/stack.ts'

const PORT_BASE = 28_000
const repo = fileURLToPath(new URL('../..', import.meta.url))

export interface BenchStack {
  readonly stack: Stack
  readonly gatewayUrl: string
  readonly voiceUrl: string
  /** Stops the stack and removes its state. */
  readonly stop: () => Promise<StopReport>
}

export interface BenchStackOptions {
  readonly portBase?: number
  /** What stands in sonia.json. */
  readonly configuration?: object
}

/** The six services as `./sonia up` starts them, over a state of their own. */
export async function startBenchStack(options: BenchStackOptions = {}): Promise<BenchStack> {
  const { portBase = PORT_BASE, configuration } = options
  const home = mkdtempSync(join(tmpdir(), 'sonia-bench-stack-'))
  if (configuration !== undefined) {
    mkdirSync(join(home, 'config'), { mode: 0o700 })
    writeFileSync(join(home, 'config', 'sonia.json'), JSON.stringify(configuration), { mode: 0o600 })
  }
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const stack = await startStack({
    repo,
    home,
    portBase,
    // Identities of one run: two stacks of one bench are two runs.
    runId: `bench-${portBase}`,
    host: { env, clock },
  })
  return {
    stack,
    gatewayUrl: `http://127.0.0.1:${stack.ports['api-gateway']}`,
    voiceUrl: `http://127.0.0.1:${stack.ports['pipecat']}`,
    stop: async () => {
      const report = await stack.stop()
      rmSync(home, { recursive: true, force: true })
      return report
    },
  }
}
