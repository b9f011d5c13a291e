import { join } from 'node:path'
import type { ServiceName } from '#catalog'
import type { Stack } from '#ops/stack.ts'
import { type GateContext, pause, startGateStack, stopGateStack } from '../runners/gate-context.ts'
import { askService } from '../runners/service-access.ts'
import { runBackupProcess } from './backup-process.ts'
import { type DrillNeeds, loadOn, type Original } from './drill-needs.ts'
import { drillPowerLoss } from './drill-power-loss.ts'
import { missingInService } from './find-writes.ts'
import type { WriteLoad } from './write-load.ts'

const WRITES_BETWEEN_KILLS = 20
const READY_TIMEOUT_MS = 20_000

/** Records, writes, backs up while it writes, and kills. Null where there is no backup to go on with. */
export async function drillOriginal(needs: DrillNeeds): Promise<Original | null> {
  const { context, count } = needs
  const home = join(context.home, 'durability', 'original')
  const stack = await startGateStack(context, 'durability', { home, restartsMax: needs.kills + 1 })
  count('start', true)
  try {
    await drillPowerLoss(needs, stack, home)
    const load = loadOn(needs, home, 'harbour')
    try {
      await writesAfter(load, 0, context)
      const promised = [...load.acknowledged]
      const backup = await backupUnderLoad(needs, home)
      await drillKills(needs, stack, { load, home })
      return backup === null ? null : { home, backup, promised }
    } finally {
      await load.stop()
    }
  } finally {
    await stopGateStack(context, stack)
  }
}

async function writesAfter(load: WriteLoad, already: number, context: GateContext): Promise<void> {
  while (load.acknowledged.length < already + WRITES_BETWEEN_KILLS) await pause(context, 10)
}

async function backupUnderLoad({ context, count, time }: DrillNeeds, home: string): Promise<string | null> {
  context.progress.at('durability: backup under writes')
  const { repository, env } = context.host
  const { exitCode, id, code, seconds } = await runBackupProcess({ repository, home, env })
  count('backup', exitCode === 0, code ?? `ended with ${exitCode}`)
  time('backup', seconds)
  return id === null ? null : join(home, 'backups', id)
}

interface Killed {
  readonly load: WriteLoad
  readonly home: string
}

/** SIGKILL in the middle of writes, again and again: what was acknowledged before it is there after it. */
async function drillKills(needs: DrillNeeds, stack: Stack, { load, home }: Killed): Promise<void> {
  const { context, count, kills } = needs
  for (let kill = 1; kill <= kills; kill += 1) {
    context.progress.at(`durability: SIGKILL ${kill} of ${kills}`)
    const before = load.acknowledged.length
    await writesAfter(load, before, context)
    stack.kill('memory-engine', 'SIGKILL')
    const promised = load.acknowledged.slice(before)
    const isBack = await becomesReady(context, 'memory-engine', context.portBase)
    const missing = isBack ? await missingInService({ home, portBase: context.portBase }, promised) : promised
    count(
      'kill',
      isBack && missing.length === 0,
      isBack ? `${missing.length} rows lost` : 'did not come back',
    )
  }
}

async function becomesReady(context: GateContext, service: ServiceName, portBase: number): Promise<boolean> {
  const untilMs = context.host.clock.monotonicMs() + READY_TIMEOUT_MS
  while (context.host.clock.monotonicMs() < untilMs) {
    const isReady = await askService({ portBase }, service, { path: '/readyz', timeoutMs: 1000 }).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (isReady) return true
    await pause(context, 25)
  }
  return false
}
