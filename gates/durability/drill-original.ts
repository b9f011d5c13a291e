import { join } from 'node:path'
import type { Stack } from '#ops/stack.ts'
import { startGateStack, stopGateStack } from '../runners/gate-context.ts'
import { runBackupProcess } from './backup-process.ts'
import { type DrillNeeds, loadOn, type Original } from './drill-needs.ts'
import { drillPowerLoss } from './drill-power-loss.ts'
import { killApprovals } from './kill-approvals.ts'
import { checkLedger, killMemory, writesAfter } from './kill-memory.ts'
import { killSessions } from './kill-sessions.ts'

/** Records, writes, backs up while it writes, and kills. Null where there is no backup to go on with. */
export async function drillOriginal(needs: DrillNeeds): Promise<Original | null> {
  const { context, count } = needs
  const home = join(context.home, 'durability', 'original')
  const stack = await startGateStack(context, 'durability', {
    home,
    restartsMax: Math.max(needs.kills, needs.stateKills) + 1,
  })
  count('start', true)
  try {
    await drillPowerLoss(needs, stack, home)
    const load = loadOn(needs, home, 'harbour')
    try {
      await writesAfter(load, 0, context)
      const promised = [...load.acknowledged]
      const backup = await backupUnderLoad(needs, home)
      await killMemory(needs, stack, { load, home })
      await load.stop()
      await checkLedger(needs, { load, home })
      await killApprovals(needs, stack, home)
      await killSessions(needs, stack, home)
      countRestarts(needs, stack)
      return backup === null ? null : { home, backup, promised }
    } finally {
      await load.stop()
    }
  } finally {
    await stopGateStack(context, stack)
  }
}

async function backupUnderLoad({ context, count, time }: DrillNeeds, home: string): Promise<string | null> {
  context.progress.at('durability: backup under writes')
  const { repository, env } = context.host
  const { exitCode, id, code, seconds } = await runBackupProcess({ repository, home, env })
  count('backup', exitCode === 0, code ?? `ended with ${exitCode}`)
  time('backup', seconds)
  return id === null ? null : join(home, 'backups', id)
}

/** The supervisor brought back each service that was killed, once for each time, and nothing else went down. */
function countRestarts({ count, kills, stateKills }: DrillNeeds, { restarts }: Stack): void {
  const expected: Readonly<Record<string, number>> = {
    'memory-engine': kills,
    'eva-os': stateKills,
    pipecat: stateKills,
  }
  const wrong = Object.entries(restarts).filter(([service, seen]) => seen !== (expected[service] ?? 0))
  count('restarts', wrong.length === 0, wrong.map(([service, seen]) => `${service} ${seen}`).join(', '))
}
