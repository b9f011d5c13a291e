import type { Stack } from '#ops/stack.ts'
import { type SoakProvider, startSoakProvider } from '../doubles/soak-provider.ts'
import { prometheusClient } from '../engine/prometheus-client.ts'
import type { GateWindow } from '../engine/types.ts'
import { plannedIterations, plannedSecondsOf } from '../run-parameters.ts'
import { watchBudget } from './budget-watch.ts'
import { type GateContext, type GateRunner, pause, startGateStack, stopGateStack } from './gate-context.ts'
import { type LoadProcess, loadLog, startLoad } from './k6-process.ts'
import { waitForQuietAlerts } from './quiet-alerts.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'
import { collectSoakMetrics, soakMetricsCsv, soakMetricsJson } from './soak-metrics.ts'

const GATE = 'soak'

/** Load at constant arrival rates for the profile's time, then a drain in which everything begun must end. */
export const observeSoak: GateRunner = async (context) => {
  const { profile, watch } = context
  watch.ops.declareChecks(GATE, ['start', 'load', 'complete'])
  for (const [scenario, count] of Object.entries(plannedIterations(profile)))
    watch.ops.setLoadPlanned(scenario, count)
  const provider = await startSoakProvider(context.portBase)
  try {
    return await observeStack(context, provider)
  } finally {
    await provider.stop()
  }
}

async function observeStack(context: GateContext, provider: SoakProvider): Promise<GateWindow> {
  const { profile, watch } = context
  const stack = await startSoakStack(context, provider)
  await waitForQuietAlerts(context, prometheusClient({ url: watch.prometheusUrl }))
  const start = await openWindow(context)
  watch.ops.countCheck(GATE, 'start', stack === null ? 'fail' : 'pass')
  try {
    if (stack !== null) {
      const load = await startLoad(context, context.pageUrl)
      watch.ops.trackTool('k6', load.pid)
      context.planted.onLoadStarted?.({ stack, watch, k6Pid: load.pid })
      await observeLoad(context, load)
      watch.ops.countCheck(GATE, 'complete', 'pass')
    }
    const end = await freezeEnd(context)
    const window = { gate: GATE, start, end, planned_seconds: plannedSecondsOf(GATE, profile) }
    await keepMetrics(context, window)
    const record = `${JSON.stringify(provider.record(), null, 1)}\n`
    context.keep({ path: `gates/${GATE}/model-provider.json`, content: record })
    return window
  } finally {
    if (stack !== null) await stopGateStack(context, stack)
  }
}

/** Null where it did not start: the gate says so, and nothing can be observed. */
function startSoakStack(context: GateContext, { configuration }: SoakProvider): Promise<Stack | null> {
  return startGateStack(context, GATE, { modelRouter: context.planted.modelRouter ?? configuration }).catch(
    (error: unknown) => {
      context.signal.throwIfAborted()
      context.progress.say(`soak: the stack did not start: ${String(error)}`)
      return null
    },
  )
}

async function observeLoad(context: GateContext, load: LoadProcess): Promise<void> {
  const { profile, progress } = context
  await followLoad(context, load)
  progress.at(`soak: draining for ${profile.drainSeconds} s`)
  await pause(context, profile.drainSeconds * 1000)
  context.keep({ path: `gates/${GATE}/k6.log`, content: { file: loadLog(context) } })
}

/** Exit code of a load generator that came to its end and did not like what it saw. */
const K6_THRESHOLDS_CROSSED = 99

/** Waits for the load to end, early or in time; stops it once the errors seen have lost the gate for certain. */
async function followLoad(context: GateContext, load: LoadProcess): Promise<void> {
  const { host, profile, progress, watch } = context
  const client = prometheusClient({ url: watch.prometheusUrl })
  const startedAtMs = host.clock.monotonicMs()
  const state: { code: number | null | undefined } = { code: undefined }
  void load.ended.then((code) => {
    state.code = code
  })
  const budget = watchBudget(context, load, client)
  while (state.code === undefined) {
    const seconds = Math.round((host.clock.monotonicMs() - startedAtMs) / 1000)
    progress.at(`soak: load for ${Math.min(seconds, profile.soakSeconds)} of ${profile.soakSeconds} s`)
    await Promise.race([load.ended, pause(context, 1000)])
    await budget.look()
  }
  // What failed in the last second was sent as the load generator ended.
  await budget.look()
  const { code } = state
  watch.ops.countCheck(GATE, 'load', code === 0 || code === K6_THRESHOLDS_CROSSED ? 'pass' : 'fail')
  const how = code === 0 ? 'ended' : code === null ? 'was killed' : `ended with code ${code}`
  progress.say(`soak: the load generator ${how}`)
}

async function keepMetrics(context: GateContext, window: GateWindow): Promise<void> {
  const rows = await collectSoakMetrics(prometheusClient({ url: context.watch.prometheusUrl }), window)
  context.keep({ path: `gates/${GATE}/soak-metrics.csv`, content: soakMetricsCsv(rows) })
  context.keep({ path: `gates/${GATE}/soak-metrics.json`, content: soakMetricsJson(rows) })
}
