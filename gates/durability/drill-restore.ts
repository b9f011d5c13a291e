import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICE_NAMES } from '#catalog'
import { type GateContext, startGateStack, stopGateStack } from '../runners/gate-context.ts'
import { askService } from '../runners/service-access.ts'
import { type DrillNeeds, type Original, restoreInto } from './drill-needs.ts'
import { isFoundBySearch, missingInService } from './find-writes.ts'
import type { AcknowledgedWrite } from './write-load.ts'

const SEARCHED = 25
/** The restored copy runs beside where the original ran: no port is shared. */
const OTHER_PORTS = 3

/** Seed 4.2: a fresh copy without its data, restored, started on other ports, asked for what was promised. */
export async function drillRestore(needs: DrillNeeds, original: Original): Promise<string> {
  const { context, count, time } = needs
  const home = join(context.home, 'durability', 'restored')
  cpSync(join(original.home, 'config'), join(home, 'config'), { recursive: true })
  mkdirSync(join(home, 'data', 'memory'), { recursive: true })
  writeFileSync(join(home, 'data', 'memory', 'sonia.db'), 'not a database any more')
  context.progress.at('durability: restoring into a fresh folder')
  const { exitCode, seconds } = await restoreInto(needs, { original, home, only: null })
  count('restore', exitCode === 0, `ended with ${exitCode}`)
  time('restore', seconds)
  const other = { ...context, portBase: context.portBase + OTHER_PORTS }
  const stack = await startGateStack(other, 'restored', { home })
  count('restored-start', true)
  time('restored-start', stack.startReadyMs / 1000)
  try {
    await countHealth(needs, other)
    await countRows(needs, { home, portBase: other.portBase }, original.promised)
  } finally {
    await stopGateStack(other, stack)
  }
  return home
}

async function countHealth({ context, count, time }: DrillNeeds, { portBase }: GateContext): Promise<void> {
  const startedAtMs = context.host.clock.monotonicMs()
  for (const service of SERVICE_NAMES) {
    const { status, body } = await askService({ portBase }, service, { path: '/healthz' })
    count('health', status === 200 && (body as { status?: unknown }).status === 'OK', service)
  }
  time('health', (context.host.clock.monotonicMs() - startedAtMs) / 1000)
}

async function countRows(
  { count, context }: DrillNeeds,
  address: { readonly home: string; readonly portBase: number },
  promised: readonly AcknowledgedWrite[],
): Promise<void> {
  context.progress.at('durability: looking for every promised row')
  const missing = await missingInService(address, promised)
  count(
    'row',
    promised.length > 0 && missing.length === 0,
    `${missing.length} of ${promised.length} rows missing`,
  )
  const step = Math.max(1, Math.floor(promised.length / SEARCHED))
  let unfound = 0
  for (let index = 0; index < promised.length; index += step) {
    const write = promised[index]
    if (write !== undefined && !(await isFoundBySearch(address, write))) unfound += 1
  }
  count('search', unfound === 0, `${unfound} searches did not find their memory`)
}
