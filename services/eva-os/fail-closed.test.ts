import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import {
  createTestHome,
  gateBody,
  movableClock,
  removalEnvelope,
  startEva,
  type TestEva,
  type TestHome,
} from './testing.ts'

const HOUR_MS = 3_600_000

let testHome: TestHome
let clock: ReturnType<typeof movableClock>
let eva: TestEva

beforeEach(async () => {
  testHome = createTestHome()
  clock = movableClock()
  eva = await startEva({ testHome, clock })
})
afterEach(async () => {
  await eva.stop()
  testHome.remove()
})

async function restart(options: { runId?: string; config?: Record<string, unknown> } = {}): Promise<void> {
  await eva.stop()
  eva = await startEva({ testHome, clock, ...options })
}

async function requested(principal = 'local'): Promise<string> {
  const body = gateBody(removalEnvelope({ principal }))
  const answer = await eva.ask('/gate-tool-call', { as: 'openclaw', body })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return (answer.body as unknown as { approval_request: { token_id: string } }).approval_request.token_id
}

async function approved(): Promise<string> {
  const tokenId = await requested()
  const body = { token_id: tokenId, decision: 'approve' }
  assert.equal((await eva.ask('/approve', { key: testHome.operatorKey, body })).status, 200)
  return tokenId
}

const redeem = (tokenId: string) =>
  eva.ask(`/approvals/${tokenId}/redeem`, { as: 'openclaw', body: { envelope: removalEnvelope() } })

const healthOf = async () => ((await eva.ask('/healthz')).body as unknown as { status: string }).status
const events = async () => {
  const answer = await eva.ask('/audit?limit=50', { key: testHome.operatorKey })
  return (answer.body as unknown as { entries: { event: string }[] }).entries.map(({ event }) => event)
}
const kids = async () => {
  const answer = await eva.ask('/.well-known/jwks.json')
  return (answer.body as unknown as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
}

test('a clock set back by an hour voids every approval and every key, and says so', async () => {
  const tokenId = await approved()
  const before = await kids()
  clock.set(clock.nowMs() - HOUR_MS)
  assert.equal((await redeem(tokenId)).reason, 'APPROVAL_EXPIRED')
  assert.equal(await healthOf(), 'DEGRADED')
  await waitFor(async () => (await kids()).length > 0)
  assert.notDeepEqual(await kids(), before)
  assert.ok((await events()).includes('clock_set_back'))
})

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not come about in 5 s')
    await setImmediate()
  }
}

test('a clock set back while the service was down is noticed at its start', async () => {
  const tokenId = await approved()
  const before = await kids()
  await eva.stop()
  clock.set(clock.nowMs() - HOUR_MS)
  eva = await startEva({ testHome, clock })
  assert.equal((await redeem(tokenId)).reason, 'APPROVAL_EXPIRED')
  assert.notDeepEqual(await kids(), before)
  assert.ok((await events()).includes('clock_set_back'))
})

test('a small correction of the clock changes nothing', async () => {
  const before = await kids()
  clock.pass(10_000)
  clock.set(clock.nowMs() - 1_000)
  await eva.ask('/status')
  assert.deepEqual(await kids(), before)
  assert.ok(!(await events()).includes('clock_set_back'))
})

test('an approval survives a restart within its run, and not a new run (a restore)', async () => {
  const first = await approved()
  await restart()
  assert.equal((await redeem(first)).status, 200)
  assert.equal((await redeem(first)).reason, 'APPROVAL_USED')
  const second = await approved()
  await restart({ runId: 'another-run' })
  assert.equal((await redeem(second)).reason, 'APPROVAL_EXPIRED')
})

test('a lost database makes every approval unknown, and the hole in the audit is shown', async () => {
  const tokenId = await approved()
  await eva.stop()
  const data = join(testHome.home, 'data', 'eva-os')
  for (const name of readdirSync(data).filter((file) => file.startsWith('eva-os.db')))
    rmSync(join(data, name))
  eva = await startEva({ testHome, clock })
  assert.equal((await redeem(tokenId)).reason, 'APPROVAL_UNKNOWN')
  assert.equal(await healthOf(), 'DEGRADED')
  assert.ok((await events()).includes('database_lost'))
})

test('a database replaced by an older copy of itself is noticed', async () => {
  const path = join(testHome.home, 'data', 'eva-os', 'eva-os.db')
  await eva.stop()
  const older = readFileSync(path)
  eva = await startEva({ testHome, clock })
  await approved()
  await eva.stop()
  writeFileSync(path, older, { mode: 0o600 })
  eva = await startEva({ testHome, clock })
  assert.ok((await events()).includes('audit_truncated'))
  assert.equal(await healthOf(), 'DEGRADED')
})

test('a database that vanishes under the running service stops all decisions and its readiness', async () => {
  const tokenId = await approved()
  const path = join(testHome.home, 'data', 'eva-os', 'eva-os.db')
  renameSync(path, `${path}.away`)
  assert.equal((await redeem(tokenId)).status, 503)
  assert.equal(
    (await eva.ask('/gate-tool-call', { as: 'openclaw', body: gateBody(removalEnvelope()) })).status,
    503,
  )
  assert.equal((await eva.ask('/readyz')).status, 503)
  renameSync(`${path}.away`, path)
  assert.equal((await redeem(tokenId)).status, 200)
})

test('a damaged database keeps the service from starting rather than from remembering', async () => {
  await eva.stop()
  writeFileSync(
    join(testHome.home, 'data', 'eva-os', 'eva-os.db'),
    'not a database at all, but long enough to be read',
  )
  await assert.rejects(startEva({ testHome, clock }), /database/)
  rmSync(join(testHome.home, 'data', 'eva-os', 'eva-os.db'))
  eva = await startEva({ testHome, clock })
})

test('a missing key, or one that others could read, is replaced: its tokens are worthless', async () => {
  const folder = join(testHome.home, 'data', 'eva-os', 'keys')
  const before = await kids()
  await eva.stop()
  chmodSync(join(folder, readdirSync(folder)[0] ?? ''), 0o644)
  eva = await startEva({ testHome, clock })
  const after = await kids()
  assert.equal(after.length, 1)
  assert.notDeepEqual(after, before)
  await eva.stop()
  rmSync(folder, { recursive: true })
  eva = await startEva({ testHome, clock })
  assert.notDeepEqual(await kids(), after)
})

test('a rewritten audit entry is found, although the database was made to accept it', async () => {
  await approved()
  await eva.stop()
  const database = new Database(join(testHome.home, 'data', 'eva-os', 'eva-os.db'))
  database.exec('DROP TRIGGER audit_is_not_rewritten')
  database.prepare(`UPDATE audit SET body = replace(body, '"by":"operator"', '"by":"somebody"')`).run()
  database.close()
  eva = await startEva({ testHome, clock })
  const answer = await eva.ask('/audit/verify', { key: testHome.operatorKey })
  const { ok, problem } = answer.body as unknown as { ok: boolean; problem: string }
  assert.equal(ok, false)
  assert.match(problem, /entry \d+ was changed/)
})

test('without an operator key nobody can approve, and the health says so', async () => {
  await eva.stop()
  rmSync(join(testHome.home, 'config', 'operator.key'))
  eva = await startEva({ testHome, clock })
  const body = { token_id: `apr_${'0'.repeat(32)}`, decision: 'approve' }
  for (const key of ['', testHome.operatorKey, 'undefined']) {
    assert.equal((await eva.ask('/approve', { key, body })).status, 401)
  }
  assert.equal(await healthOf(), 'DEGRADED')
})

test('one principal cannot flood the people who decide', async () => {
  await restart({ config: { approval_burst: 3, approvals_per_minute: 6 } })
  for (let count = 0; count < 3; count++) await requested('noisy')
  const body = gateBody(removalEnvelope({ principal: 'noisy' }))
  const answer = await eva.ask('/gate-tool-call', { as: 'openclaw', body })
  assert.deepEqual([answer.status, answer.code, answer.headers['retry-after']], [429, 'RATE_LIMITED', '10'])
  await requested('quiet')
  clock.pass(10_000)
  await requested('noisy')
})

test('at most 50 calls wait, whoever asks', async () => {
  for (let count = 0; count < 50; count++) await requested(`principal-${count}`)
  const body = gateBody(removalEnvelope({ principal: 'one-more' }))
  assert.equal((await eva.ask('/gate-tool-call', { as: 'openclaw', body })).status, 429)
})

test('a policy tightened while an approval is open refuses it at once', async () => {
  const tokenId = await approved()
  const path = join(testHome.policies, 'default.json')
  const policy = JSON.parse(readFileSync(path, 'utf8')) as { rules: { id: string; effect: string }[] }
  const rules = policy.rules.map((rule) =>
    rule.effect === 'require_approval' ? { ...rule, effect: 'deny', approval_seconds: undefined } : rule,
  )
  writeFileSync(path, JSON.stringify({ ...policy, rules }), { mode: 0o600 })
  const answer = await redeem(tokenId)
  assert.equal(answer.reason, 'POLICY_DENIED', JSON.stringify(answer.body))
})

test('a bad policy file keeps the old policy and makes the service DEGRADED until it is mended', async () => {
  const path = join(testHome.policies, 'default.json')
  const good = readFileSync(path)
  writeFileSync(path, '{', { mode: 0o600 })
  await requested()
  assert.equal(await healthOf(), 'DEGRADED')
  assert.match((await eva.app.inject('/metrics')).body, /^sonia_policy_valid 0$/m)
  writeFileSync(path, good)
  await requested()
  assert.equal(await healthOf(), 'OK')
  assert.match((await eva.app.inject('/metrics')).body, /^sonia_policy_valid 1$/m)
})

test('a further operator decides under their own name, and not about their own requests', async () => {
  const key = 'k'.repeat(43)
  const { createHash } = await import('node:crypto')
  const sha256 = createHash('sha256').update(key).digest('hex')
  await restart({ config: { operators: [{ name: 'alice', sha256 }] } })
  const decide = async (tokenId: string) =>
    eva.ask('/approve', { key, body: { token_id: tokenId, decision: 'approve' } })
  const own = await requested('alice')
  assert.equal((await decide(own)).reason, 'SELF_APPROVAL')
  const other = await decide(await requested('local'))
  assert.equal((other.body as unknown as { decided_by: string }).decided_by, 'alice')
})

test('what keys signed that an operator threw away is refused at once, and others cannot throw them away', async () => {
  const ask = () => eva.ask('/gate-tool-call', { as: 'openclaw', body: gateBody(removalEnvelope()) })
  assert.equal((await ask()).status, 200)
  assert.equal((await eva.ask('/v1/keys/revoke', { as: 'openclaw', body: {} })).status, 401)
  assert.equal((await ask()).status, 200)
  assert.equal((await eva.ask('/v1/keys/revoke', { key: testHome.operatorKey, body: {} })).status, 200)
  const refused = await ask()
  assert.deepEqual([refused.status, refused.reason], [401, 'UNKNOWN_KEY'])
})
