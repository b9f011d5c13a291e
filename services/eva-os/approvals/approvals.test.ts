import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { openAuditLog, type AuditLog } from '../audit/audit-log.ts'
import type { Decision } from '../policy/judge.ts'
import { openStore, type Store } from '../store/database.ts'
import { movableClock, REMOVAL_ARGS, removalEnvelope } from '../testing.ts'
import { approvalTable, PENDING_COUNT } from './approval-table.ts'
import { type Approvals, createApprovals } from './approvals.ts'
import { summarise } from './summary.ts'

let folder: string
let clock: ReturnType<typeof movableClock>
let store: Store
let audit: AuditLog
let decisionNow: Decision

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sonia-approvals-'))
  clock = movableClock()
  decisionNow = 'approval_required'
  store = openStore(folder)
  audit = openAuditLog(store)
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(pendingMax = 50): Approvals {
  return createApprovals({
    table: approvalTable(store.connection),
    durably: store.durably,
    nowMs: () => clock.nowMs(),
    audit: audit.append,
    newTokenId: () => `apr_${randomBytes(16).toString('hex')}`,
    runId: 'run',
    pendingMax,
    judgeNow: () => ({ decision: decisionNow, reason: 'test', rule: null }),
    onTooMany: () => new ServiceError('RATE_LIMITED', 'Too many'),
    onChange: () => undefined,
  })
}

const ENVELOPE = removalEnvelope()

function request(approvals: Approvals, lifeSeconds = 120): string {
  return approvals.request({
    envelope: ENVELOPE,
    ...summarise(ENVELOPE, REMOVAL_ARGS),
    facts: {
      tool: 'shell.run',
      tier: 'TIER_3_DESTRUCTIVE',
      principal: 'local',
      program: '/usr/bin/rm',
      origin: null,
    },
    policyVersion: 'sha256:0',
    lifeSeconds,
  }).tokenId
}

function approved(approvals: Approvals, lifeSeconds?: number): string {
  const tokenId = request(approvals, lifeSeconds)
  approvals.decide({ tokenId, decision: 'approve', by: 'operator', reason: null })
  return tokenId
}

const refuses = (reason: string, act: () => unknown) =>
  assert.throws(act, (error) => error instanceof ServiceError && error.details?.['reason'] === reason)
const failsWith = (code: string, act: () => unknown) =>
  assert.throws(act, (error) => error instanceof ServiceError && error.code === code)

test('an approval ends with its life, whether it was decided or not', () => {
  const approvals = open()
  const decided = approved(approvals, 60)
  const pending = request(approvals, 60)
  clock.pass(59_999)
  assert.equal(approvals.open().length, 2)
  clock.pass(1)
  refuses('APPROVAL_EXPIRED', () => approvals.redeem(decided, ENVELOPE))
  refuses('APPROVAL_EXPIRED', () =>
    approvals.decide({ tokenId: pending, decision: 'approve', by: 'operator', reason: null }),
  )
})

test('an approval from the future is not alive', () => {
  const approvals = open()
  const tokenId = approved(approvals)
  clock.set(clock.nowMs() - 1)
  refuses('APPROVAL_EXPIRED', () => approvals.redeem(tokenId, ENVELOPE))
})

test('an approval does not outlive a policy that became stricter', () => {
  const approvals = open()
  const tokenId = approved(approvals)
  decisionNow = 'denied'
  refuses('POLICY_DENIED', () => approvals.redeem(tokenId, ENVELOPE))
  decisionNow = 'approval_required'
  refuses('APPROVAL_EXPIRED', () => approvals.redeem(tokenId, ENVELOPE))
})

test('a policy that became laxer changes nothing for an approval', () => {
  const approvals = open()
  const tokenId = approved(approvals)
  decisionNow = 'approved'
  assert.equal(approvals.redeem(tokenId, ENVELOPE).status, 'redeemed')
})

test('a burned approval stays burned across a restart', () => {
  const tokenId = approved(open())
  open().redeem(tokenId, ENVELOPE)
  store.close()
  store = openStore(folder)
  audit = openAuditLog(store)
  refuses('APPROVAL_USED', () => open().redeem(tokenId, ENVELOPE))
})

test('approvals of another run are void', () => {
  const approvals = open()
  const tokenId = approved(approvals)
  approvals.voidOpen('another run', clock.nowMs(), ({ runId }) => runId !== 'next-run')
  refuses('APPROVAL_EXPIRED', () => approvals.redeem(tokenId, ENVELOPE))
})

test('no more calls wait for a person than a person can look at', () => {
  const approvals = open(3)
  const first = request(approvals)
  for (let count = 0; count < 2; count++) request(approvals)
  failsWith('RATE_LIMITED', () => request(approvals))
  approvals.decide({ tokenId: first, decision: 'deny', by: 'operator', reason: null })
  assert.ok(request(approvals))
  clock.pass(120_000)
  assert.ok(request(approvals), 'expired ones make room')
})

test('a full disk burns nothing and gives nothing: the approval can be used once there is room', () => {
  const approvals = open()
  const tokenId = approved(approvals)
  const pages = store.connection.pragma('page_count', { simple: true }) as number
  // Fill what is free inside the last pages first, so that the next write needs a new one.
  store.connection.pragma(`max_page_count = ${pages}`)
  fillPages()
  failsWith('UNAVAILABLE', () => approvals.redeem(tokenId, ENVELOPE))
  store.connection.pragma('max_page_count = 100000')
  assert.equal(approvals.redeem(tokenId, ENVELOPE).status, 'redeemed')
  refuses('APPROVAL_USED', () => approvals.redeem(tokenId, ENVELOPE))
})

function fillPages(): void {
  for (let size = 4096; size >= 1; size = Math.floor(size / 2)) {
    for (let full = false; !full; ) full = !tryAppend(size)
  }
}

function tryAppend(size: number): boolean {
  try {
    store.promptly(() => audit.append('started', { filling: 'x'.repeat(size) }, clock.nowMs()))
    return true
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'UNAVAILABLE') return false
    throw error
  }
}

test('a database that was taken away gives nothing, also while it is still open', () => {
  const approvals = open()
  const tokenId = approved(approvals)
  for (const name of readdirSync(folder)) renameSync(join(folder, name), join(folder, `${name}.away`))
  failsWith('UNAVAILABLE', () => approvals.redeem(tokenId, ENVELOPE))
  failsWith('UNAVAILABLE', () => request(approvals))
})

test('the database itself refuses to revive, change or forget an approval', () => {
  const approvals = open()
  const used = approved(approvals)
  approvals.redeem(used, ENVELOPE)
  const alive = approved(approvals)
  const run = (sql: string, id: string) => store.connection.prepare(sql).run(id)
  assert.throws(
    () => run("UPDATE approvals SET status = 'approved' WHERE token_id = ?", used),
    /does not change/,
  )
  assert.throws(
    () => run("UPDATE approvals SET envelope = '{}' WHERE token_id = ?", alive),
    /does not change/,
  )
  assert.throws(
    () => run('UPDATE approvals SET expires_at_ms = 9e15 WHERE token_id = ?', alive),
    /does not change/,
  )
  assert.throws(() => run('DELETE FROM approvals WHERE token_id = ?', used), /not deleted/)
})

test('every step of an approval is in the audit, refusals too, and the chain holds', async () => {
  const approvals = open()
  const tokenId = approved(approvals)
  refuses('APPROVAL_MISMATCH', () => approvals.redeem(tokenId, removalEnvelope({ timeout_ms: 1 })))
  approvals.redeem(tokenId, ENVELOPE)
  const events = audit.list({ limit: 10 }).map(({ event }) => event)
  assert.deepEqual(events.toReversed(), [
    'approval_requested',
    'approval_decided',
    'approval_refused',
    'approval_redeemed',
  ])
  assert.equal((await audit.verify()).ok, true)
})

test('counting what waits does not look at what has ended, which is kept for ever', () => {
  const plan = store.connection.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${PENDING_COUNT}`).all()
  assert.deepEqual(
    plan.map(({ detail }) => detail),
    ['SEARCH approvals USING COVERING INDEX approvals_open (status=?)'],
  )
})
