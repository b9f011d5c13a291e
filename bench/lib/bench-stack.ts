import { mkdtempSync, rmSync } from 'node:fs'
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
  /** Stops the stack and removes its state. */
  readonly stop: () => Promise<StopReport>
}

/** The six services as `./sonia up` starts them, over a state of their own. */
export async function startBenchStack(
  environment: Readonly<Record<string, string>> = {},
): Promise<BenchStack> {
  const home = mkdtempSync(join(tmpdir(), 'sonia-bench-stack-'))
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const stack = await startStack({
    repo,
    home,
    portBase: PORT_BASE,
    runId: 'bench',
    host: { env, clock },
    environment,
  })
  return {
    stack,
    gatewayUrl: `http://127.0.0.1:${stack.ports['api-gateway']}`,
    stop: async () => {
      const report = await stack.stop()
      rmSync(home, { recursive: true, force: true })
      return report
    },
  }
}
