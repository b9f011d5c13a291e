import { plannedIterations, plannedSecondsOf } from '../run-parameters.ts'
import { type GateContext, type GateRunner, pause, startGateStack, stopGateStack } from './gate-context.ts'
import { type LoadProcess, loadLog, startLoad } from './k6-process.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'

const GATE = 'soak'

/** Load at constant arrival rates for the profile's time, then a drain in which everything begun must end. */
export const observeSoak: GateRunner = async (context) => {
  const { profile, watch, progress } = context
  watch.ops.declareChecks(GATE, ['start', 'complete'])
  for (const [scenario, count] of Object.entries(plannedIterations(profile)))
    watch.ops.setLoadPlanned(scenario, count)
  const stack = await startGateStack(context, GATE).catch((error: unknown) => {
    context.signal.throwIfAborted()
    progress.say(`soak: the stack did not start: ${String(error)}`)
    return null
  })
  const start = await openWindow(context)
  watch.ops.countCheck(GATE, 'start', stack === null ? 'fail' : 'pass')
  try {
    if (stack !== null) {
      const load = await startLoad(context, context.pageUrl)
      watch.ops.trackTool('k6', load.pid)
      context.planted.onLoadStarted?.({ stack, k6Pid: load.pid })
      await followLoad(context, load)
      progress.at(`soak: draining for ${profile.drainSeconds} s`)
      await pause(context, profile.drainSeconds * 1000)
      watch.ops.countCheck(GATE, 'complete', 'pass')
      context.keep({ path: `gates/${GATE}/k6.log`, content: { file: loadLog(context) } })
    }
    const end = await freezeEnd(context)
    return { gate: GATE, start, end, planned_seconds: plannedSecondsOf(GATE, profile) }
  } finally {
    if (stack !== null) await stopGateStack(context, stack)
  }
}

/** Waits for the load to end, early or in time, and shows how far it is. */
async function followLoad(context: GateContext, load: LoadProcess): Promise<void> {
  const { host, profile, progress } = context
  const startedAtMs = host.clock.monotonicMs()
  const state: { code: number | null | undefined } = { code: undefined }
  void load.ended.then((code) => {
    state.code = code
  })
  while (state.code === undefined) {
    const seconds = Math.round((host.clock.monotonicMs() - startedAtMs) / 1000)
    progress.at(`soak: load for ${Math.min(seconds, profile.soakSeconds)} of ${profile.soakSeconds} s`)
    await Promise.race([load.ended, pause(context, 1000)])
  }
  const { code } = state
  const how = code === 0 ? 'ended' : code === null ? 'was killed' : `ended with code ${code}`
  progress.say(`soak: the load generator ${how}`)
}
