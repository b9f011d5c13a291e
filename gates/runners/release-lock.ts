import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { locateTool } from '#tools/locate.ts'
import { REHEARSAL_CHECKS, type RehearsalCheck, rehearseRelease } from '../release/rehearse-release.ts'
import { plannedSecondsOf } from '../run-parameters.ts'
import type { GateRunner } from './gate-context.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'

const GATE = 'release-lock'

/** Gate 6 inside a run: the whole release in a scratch repository with throw-away keys. It releases nothing. */
export const observeReleaseLock: GateRunner = async (context) => {
  const { watch, host, progress, keep } = context
  watch.ops.declareChecks(GATE, ['complete', ...REHEARSAL_CHECKS])
  const start = await openWindow(context)
  progress.at('release-lock: rehearsing a release')
  const scratch = join(context.home, 'release-lock')
  await mkdir(scratch, { recursive: true })
  const checks: RehearsalCheck[] = []
  await rehearseRelease({
    scratch,
    nowMs: host.clock.nowMs(),
    tools: {
      prometheusBinary: (await locateTool('prometheus', host)).path,
      promtoolBinary: (await locateTool('promtool', host)).path,
    },
    onCheck: (check) => {
      context.signal.throwIfAborted()
      checks.push(check)
      watch.ops.countCheck(GATE, check.name, check.isPassed ? 'pass' : 'fail')
      progress.at(`release-lock: ${check.name} ${check.isPassed ? 'held' : 'did not hold'}`)
    },
  })
  await rm(scratch, { recursive: true, force: true })
  keep({
    path: `gates/${GATE}/rehearsal.json`,
    content: `${JSON.stringify({ checks: saidOf(checks) }, null, 2)}\n`,
  })
  watch.ops.countCheck(GATE, 'complete', 'pass')
  const end = await freezeEnd(context)
  return { gate: GATE, start, end, planned_seconds: plannedSecondsOf(GATE, context.profile) }
}

/** As the wire spells it. */
function saidOf(checks: readonly RehearsalCheck[]): readonly object[] {
  return checks.map(({ name, isPassed, said }) => ({ name, passed: isPassed, said }))
}
