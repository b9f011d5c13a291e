import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { drillFailures } from '../durability/drill-failures.ts'
import { DURABILITY_CHECKS, type DrillNeeds } from '../durability/drill-needs.ts'
import { drillOriginal } from '../durability/drill-original.ts'
import { createDrillRecord, type DrillRecord } from '../durability/drill-record.ts'
import { drillRestore } from '../durability/drill-restore.ts'
import { withEmbeddings } from '../durability/with-embeddings.ts'
import { plannedSecondsOf } from '../run-parameters.ts'
import type { GateContext, GateRunner } from './gate-context.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'

const GATE = 'durability'

/** Gate 4: backup under writes, kills, power losses, restore into a fresh copy, and what goes wrong with backups. */
export const observeDurability: GateRunner = async (context) => {
  context.watch.ops.declareChecks(GATE, DURABILITY_CHECKS)
  const start = await openWindow(context)
  const record = createDrillRecord()
  const drill = (lent: GateContext) => drillAll(needsOf(lent, record))
  const isWhole = await withEmbeddings(context, drill).catch((error: unknown) => {
    context.signal.throwIfAborted()
    context.progress.say(`durability: ${error instanceof Error ? error.message : String(error)}`)
    return false
  })
  if (isWhole) context.watch.ops.countCheck(GATE, 'complete', 'pass')
  context.keep({ path: 'restore-drill.json', content: record.toJson() })
  await rm(join(context.home, GATE), { recursive: true, force: true })
  const end = await freezeEnd(context)
  return { gate: GATE, start, end, planned_seconds: plannedSecondsOf(GATE, context.profile) }
}

/** True when every part of the drill was reached; whether it held is for the criteria. */
async function drillAll(needs: DrillNeeds): Promise<boolean> {
  const original = await drillOriginal(needs)
  if (original === null) return false
  const restoredHome = await drillRestore(needs, original)
  await drillFailures(needs, original, restoredHome)
  return true
}

function needsOf(context: GateContext, record: DrillRecord): DrillNeeds {
  const { ops } = context.watch
  return {
    context,
    kills: context.profile.kills,
    stateKills: context.profile.stateKills,
    images: context.profile.powerLossImages,
    count: (check, isHeld, said) => {
      ops.countCheck(GATE, check, isHeld ? 'pass' : 'fail')
      record.count(check, isHeld, said)
      if (!isHeld)
        context.progress.say(`durability: ${check} did not hold${said === undefined ? '' : `: ${said}`}`)
    },
    time: (check, seconds) => {
      ops.setCheckDuration(GATE, check, seconds)
      record.time(check, seconds)
    },
    note: (figures) => record.note(figures),
  }
}
