import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { copyDatabase } from '#ops/backup/database.ts'
import { pause } from '../runners/gate-context.ts'
import { askService, serviceToken } from '../runners/service-access.ts'
import type { Killable, KillContext, KillNeeds } from './drill-needs.ts'
import { missingInService } from './find-writes.ts'
import { killService, untilTrue } from './kill-service.ts'
import type { LedgerCheck, LedgerState } from './ledger.ts'
import { runScript } from './run-script.ts'
import type { WriteLoad } from './write-load.ts'

const WRITES_BETWEEN_KILLS = 20

export async function writesAfter(load: WriteLoad, already: number, context: KillContext): Promise<void> {
  while (load.acknowledged.length < already + WRITES_BETWEEN_KILLS) await pause(context, 10)
}

export interface Written {
  readonly load: WriteLoad
  readonly home: string
}

/** The newest are the ones at risk; all others are looked for in the table at the end, where a lost row is still lost. */
const ASKED_FOR = 10

/** SIGKILL in the middle of writes, again and again: what was acknowledged before it is there after it. */
export async function killMemory(needs: KillNeeds, stack: Killable, { load, home }: Written): Promise<void> {
  const { context, count, kills } = needs
  const address = { home, portBase: context.portBase }
  for (let kill = 1; kill <= kills && needs.isOver?.() !== true; kill += 1) {
    context.progress.at(`durability: SIGKILL ${kill} of ${kills} of memory-engine`)
    const before = load.acknowledged.length
    await writesAfter(load, before, context)
    const killedAt = load.acknowledged.length
    const isBack = await killService(context, stack, 'memory-engine')
    const promised = load.acknowledged.slice(before, killedAt).slice(-ASKED_FOR)
    const missing = isBack ? await missingInService(address, promised) : promised
    count(
      'kill',
      isBack && missing.length === 0,
      isBack ? `${missing.length} rows lost` : 'did not come back',
    )
  }
}

/** After all kills and the end of the load: the whole table against all that was acknowledged, its index, its vectors. */
export async function checkLedger(needs: KillNeeds, { load, home }: Written): Promise<void> {
  const { context, count } = needs
  context.progress.at('durability: comparing the table with everything that was acknowledged')
  const address = { home, portBase: context.portBase }
  const isEmbedded = await untilTrue(context, () => hasAllVectors(address))
  const { lost, halfRows, vectors, wrongVectors, fault } = await stateOfLedger(needs, { load, home })
  const isWhole = lost === 0 && halfRows === 0 && wrongVectors === 0 && fault === null
  const said = `${lost} lost, ${halfRows} half, ${wrongVectors} of ${vectors} vectors wrong, ${fault ?? 'whole'}`
  count('ledger', isWhole && isEmbedded && vectors > 0, said)
  needs.note({
    what: 'ledger of memory-engine',
    acknowledged: load.acknowledged.length,
    refused: load.refused(),
    lost,
    half_rows: halfRows,
    vectors,
    wrong_vectors: wrongVectors,
    database: fault ?? 'whole, full-text index equal to its table',
  })
}

async function stateOfLedger({ context }: KillNeeds, { load, home }: Written): Promise<LedgerState> {
  const folder = join(context.home, 'durability', 'ledger')
  mkdirSync(folder, { recursive: true })
  const check = { database: join(folder, 'sonia.db'), ledger: join(folder, 'ledger.json') }
  await copyDatabase({
    from: join(home, 'data', 'memory', 'sonia.db'),
    to: check.database,
    isServed: false,
  })
  writeFileSync(check.ledger, JSON.stringify(load.acknowledged))
  const state = await runScript<LedgerState>('check-ledger-main.ts', check satisfies LedgerCheck)
  rmSync(folder, { recursive: true, force: true })
  return state
}

/** The background work of the engine has caught up: every memory has its vector. */
async function hasAllVectors(address: {
  readonly home: string
  readonly portBase: number
}): Promise<boolean> {
  const token = await serviceToken(address, 'api-gateway', 'memory-engine')
  const headers = { 'x-service-token': token }
  const { body } = await askService(address, 'memory-engine', { path: '/query/stats', headers })
  const { items, vectors } = body as { items?: unknown; vectors?: unknown }
  return typeof items === 'number' && items === vectors
}
