import type { StopReport } from '#ops/stack.ts'
import { type GateContext, startGateStack, stopGateStack } from './gate-context.ts'
import { sendTraffic } from './traffic.ts'
import { join } from 'node:path'

/** What every stop must prove, each counted per cycle. */
export const STOP_CHECKS = ['no-sigkill', 'drained', 'no-leftovers', 'no-zombies', 'ports-free'] as const

/** One cycle as it went; kept for the bundle. */
export interface CycleRecord {
  readonly cycle: number
  readonly start_ready_seconds: number
  readonly stop_seconds: number
  readonly processes: readonly { readonly service: string; readonly pid: number }[]
  readonly stop: StopReport
}

/** Start, ready, one request per service, stop, proofs. Counts each; null when the start failed. */
export async function runCycle(context: GateContext, cycle: number): Promise<CycleRecord | null> {
  const { ops } = context.watch
  const stack = await startGateStack(context, `cycle-${cycle}`).catch((error: unknown) => {
    context.signal.throwIfAborted()
    context.progress.say(`go-no-go: cycle ${cycle} did not start: ${messageOf(error)}`)
    return null
  })
  ops.countCheck('go-no-go', 'start', stack === null ? 'fail' : 'pass')
  if (stack === null) {
    ops.countCheck('go-no-go', 'cycle', 'fail')
    return null
  }
  const processes = stack.processes.map(({ service, identity }) => ({ service, pid: identity.pid }))
  const isAnswered = await countTraffic(context)
  const stop = await stopGateStack(context, stack)
  const isClean = countProofs(context, stop)
  ops.countCheck('go-no-go', 'cycle', isAnswered && isClean ? 'pass' : 'fail')
  const startReadySeconds = stack.startReadyMs / 1000
  const stopSeconds = stop.stopMs / 1000
  ops.setStackTimes(cycle, { startReadySeconds, stopSeconds })
  return { cycle, start_ready_seconds: startReadySeconds, stop_seconds: stopSeconds, processes, stop }
}

async function countTraffic(context: GateContext): Promise<boolean> {
  let isAnswered = true
  const address = { home: join(context.home, 'stack'), portBase: context.portBase }
  await sendTraffic(address, (service, isRight) => {
    if (!isRight) context.progress.say(`go-no-go: ${service} did not answer its request`)
    isAnswered &&= isRight
    context.watch.ops.countCheck('go-no-go', 'traffic', isRight ? 'pass' : 'fail')
  })
  return isAnswered
}

/** Counts what the stop proved; true when all of it holds. */
export function countProofs(context: GateContext, stop: StopReport): boolean {
  const proofs = {
    'no-sigkill': stop.killed.length === 0,
    drained: Object.values(stop.exits).every((exit) => exit.code === 0),
    'no-leftovers': stop.leftovers.length === 0,
    'no-zombies': stop.zombies.length === 0,
    'ports-free': stop.portsBusy.length === 0,
  }
  for (const check of STOP_CHECKS) {
    context.watch.ops.countCheck('go-no-go', check, proofs[check] ? 'pass' : 'fail')
    if (!proofs[check]) context.progress.say(`go-no-go: stop not proven: ${check}${culprits(stop)}`)
  }
  return STOP_CHECKS.every((check) => proofs[check])
}

function culprits({ killed, leftovers, portsBusy }: StopReport): string {
  const names = [
    ...killed,
    ...leftovers.map(({ pid, argv }) => `pid ${pid} (${argv.join(' ')})`),
    ...portsBusy.map(({ port }) => `port ${port}`),
  ]
  return names.length === 0 ? '' : `: ${names.join(', ')}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
