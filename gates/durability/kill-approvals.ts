import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { copyDatabase } from '#ops/backup/database.ts'
import type { Stack } from '#ops/stack.ts'
import { serviceToken, type StackAddress } from '../runners/service-access.ts'
import {
  type Approval,
  askApproval,
  decideApproval,
  denyOpenApprovals,
  isAuditWhole,
  redeemApproval,
} from './approval-client.ts'
import type { DrillNeeds } from './drill-needs.ts'
import { killService, patiently, untilTrue } from './kill-service.ts'

const WORKERS = 3
const BURNED_BETWEEN_KILLS = 6
const RETRY_MS = 50

/** How far an approval had come by what was acknowledged; what was asked for last may have come further. */
interface Promised {
  readonly approval: Approval
  acknowledged: 'pending' | 'approved' | 'redeemed'
  /** Times its burning was acknowledged: once at most, whatever happens in between. */
  burned: number
}

interface Work {
  readonly address: StackAddress
  readonly operatorKey: string
  readonly ledger: Promised[]
}

/**
 * SIGKILL of eva-os in the middle of approvals. An approval that was burned stays burned; one whose burning was cut
 * off is burned once or not at all; nothing that was acknowledged goes back.
 */
export async function killApprovals(needs: DrillNeeds, stack: Stack, home: string): Promise<void> {
  const { context, count, stateKills } = needs
  const operatorKey = readFileSync(join(home, 'config', 'operator.key'), 'utf8').trim()
  const work: Work = { address: { home, portBase: context.portBase }, operatorKey, ledger: [] }
  for (let kill = 1; kill <= stateKills; kill += 1) {
    context.progress.at(`durability: SIGKILL ${kill} of ${stateKills} of eva-os`)
    const broken = await killOnce(needs, stack, work)
    count('approval-kill', broken.length === 0, broken.slice(0, 3).join('; '))
  }
  const isChainWhole = await isAuditWhole(work.address, operatorKey)
  const fault = isChainWhole ? await faultOfDatabase(needs, home, work.ledger) : 'the audit is not whole'
  const burned = work.ledger.filter((entry) => entry.burned > 0).length
  count('approval-ledger', fault === null && burned > 0, fault ?? 'nothing was burned')
  needs.note({ what: 'ledger of eva-os', approvals: work.ledger.length, burned, fault })
}

async function killOnce({ context }: DrillNeeds, stack: Stack, work: Work): Promise<readonly string[]> {
  const before = work.ledger.length
  const stopping = new AbortController()
  const signal = AbortSignal.any([stopping.signal, context.signal])
  const workers = Array.from({ length: WORKERS }, () => askDecideBurn(signal, work))
  const burned = () => work.ledger.slice(before).filter((entry) => entry.burned > 0).length
  const isBusy = await untilTrue(context, async () => burned() >= BURNED_BETWEEN_KILLS)
  const isBack = await killService(context, stack, 'eva-os')
  stopping.abort()
  await Promise.all(workers)
  if (!isBusy || !isBack) return [isBack ? 'nothing was burned before the kill' : 'did not come back']
  return brokenPromises(work, work.ledger.slice(before))
}

/** Asks, decides, burns, again and again; whatever a kill cuts off stays in the ledger as far as it was acknowledged. */
async function askDecideBurn(signal: AbortSignal, { address, operatorKey, ledger }: Work): Promise<void> {
  while (!signal.aborted) {
    try {
      const token = await serviceToken(address, 'openclaw', 'eva-os')
      const n = ledger.length + Math.floor(performance.now())
      const approval = await askApproval(address, token, n)
      const entry: Promised = { approval, acknowledged: 'pending', burned: 0 }
      ledger.push(entry)
      await decideApproval(address, operatorKey, { tokenId: approval.tokenId, decision: 'approve' })
      entry.acknowledged = 'approved'
      if ((await redeemApproval(address, token, approval)) !== 'redeemed') continue
      entry.acknowledged = 'redeemed'
      entry.burned += 1
    } catch {
      await delay(RETRY_MS)
    }
  }
}

/** Every approval of a round once more: the burned ones must be refused, of the others each may burn once. */
async function brokenPromises(
  { address, operatorKey }: Work,
  round: readonly Promised[],
): Promise<readonly string[]> {
  const token = await patiently(() => serviceToken(address, 'openclaw', 'eva-os'))
  const broken: string[] = []
  for (const entry of round) {
    const answer = await patiently(() => redeemApproval(address, token, entry.approval))
    if (answer === 'redeemed') entry.burned += 1
    const fault = brokenPromise(entry, answer)
    if (fault !== null) broken.push(`${entry.approval.tokenId} ${fault}`)
  }
  await patiently(() => denyOpenApprovals(address, operatorKey))
  return broken
}

function brokenPromise({ acknowledged, burned }: Promised, answer: string): string | null {
  if (burned > 1) return 'was burned twice'
  if (answer === 'APPROVAL_UNKNOWN') return 'is forgotten'
  if (acknowledged === 'redeemed' && answer !== 'APPROVAL_USED') return `was burned and is now ${answer}`
  return acknowledged === 'approved' && answer === 'APPROVAL_PENDING' ? 'was approved and is pending' : null
}

/** The database itself, copied as it stands: whole, and every burned approval in it as burned. */
async function faultOfDatabase(
  { context }: DrillNeeds,
  home: string,
  ledger: readonly Promised[],
): Promise<string | null> {
  const copy = join(context.home, 'durability', 'eva-os-copy.db')
  await copyDatabase({
    from: join(home, 'data', 'eva-os', 'eva-os.db'),
    to: copy,
    isServed: false,
  })
  const database = new Database(copy, { readonly: true })
  try {
    const [first] = database.pragma('integrity_check(1)') as readonly { integrity_check: string }[]
    if (first?.integrity_check !== 'ok') return first?.integrity_check ?? 'no answer'
    const status = database
      .prepare<[string], string>('SELECT status FROM approvals WHERE token_id = ?')
      .pluck()
    const unburned = ledger.filter(
      ({ approval, burned }) => burned > 0 && status.get(approval.tokenId) !== 'redeemed',
    )
    return unburned.length === 0 ? null : `${unburned.length} burned approvals are not in it as burned`
  } finally {
    database.close()
  }
}
