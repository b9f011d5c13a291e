import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stack } from '#ops/stack.ts'
import { plannedSecondsOf } from '../run-parameters.ts'
import { countProofs, type CycleRecord, runCycle, STOP_CHECKS } from './cycle.ts'
import { observeTestRuns } from './determinism.ts'
import { type GateContext, type GateRunner, startGateStack, stopGateStack } from './gate-context.ts'
import { runHealthLoop } from './health-loop.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'

const GATE = 'go-no-go'
const CHECKS = ['cycle', 'start', 'traffic', ...STOP_CHECKS, 'health', 'health-tick', 'artefact', 'complete']

/** Cycles of start, traffic and stop; a health loop; runs 1 and 2 of the integration tests. */
export const observeGoNoGo: GateRunner = async (context) => {
  const { profile, watch } = context
  watch.ops.declareChecks(GATE, CHECKS)
  const start = await openWindow(context)
  await observe(context)
  watch.ops.countCheck(GATE, 'complete', 'pass')
  const end = await freezeEnd(context)
  return { gate: GATE, start, end, planned_seconds: plannedSecondsOf(GATE, profile) }
}

/** A cycle that did not start ends the gate: nothing that follows could be demonstrated on such a stack. */
async function observe(context: GateContext): Promise<void> {
  const { profile, progress } = context
  const records: CycleRecord[] = []
  for (let cycle = 1; cycle <= profile.cycles; cycle += 1) {
    progress.at(`go-no-go: cycle ${cycle} of ${profile.cycles}`)
    const record = await runCycle(context, cycle)
    if (record === null) return
    records.push(record)
    progress.say(cycleLine(record, profile.cycles))
  }
  keepJson(context, 'cycles.json', records)
  const isHealthSeen = await observeHealth(context)
  if (isHealthSeen && profile.testRuns > 0) await observeTestRuns(context)
}

async function observeHealth(context: GateContext): Promise<boolean> {
  const stack = await startGateStack(context, 'health').catch((error: unknown) => {
    context.signal.throwIfAborted()
    context.progress.say(`go-no-go: the stack for the health loop did not start: ${String(error)}`)
    return null
  })
  context.watch.ops.countCheck(GATE, 'start', stack === null ? 'fail' : 'pass')
  if (stack === null) return false
  try {
    await keepArtefacts(context, stack)
    await runHealthLoop(context, stack.runId)
  } finally {
    countProofs(context, await stopGateStack(context, stack))
  }
  context.progress.say(`go-no-go: health loop of ${context.profile.healthRounds} rounds done`)
  return true
}

/** What the seed calls the artefact bundle of the gate; each piece counted as captured or not. */
async function keepArtefacts(context: GateContext, stack: Stack): Promise<void> {
  keepJson(context, 'processes.json', stack.processes)
  context.watch.ops.countCheck(GATE, 'artefact', stack.processes.length > 0 ? 'pass' : 'fail')
  const path = join(context.home, 'stack', 'config', 'sonia.json')
  const digest = await readFile(path).then(
    (text) => createHash('sha256').update(text).digest('hex'),
    () => null,
  )
  // No file is a configuration too: the defaults of the schemas.
  keepJson(context, 'configuration.json', { 'config/sonia.json': digest })
  context.watch.ops.countCheck(GATE, 'artefact', 'pass')
}

function keepJson(context: GateContext, name: string, value: unknown): void {
  context.keep({ path: `gates/${GATE}/${name}`, content: `${JSON.stringify(value, null, 2)}\n` })
}

function cycleLine(record: CycleRecord, cycles: number): string {
  const seconds = (value: number) => `${value.toFixed(2)} s`
  const times = `ready after ${seconds(record.start_ready_seconds)}, stopped in ${seconds(record.stop_seconds)}`
  return `go-no-go: cycle ${record.cycle} of ${cycles}: ${times}`
}
