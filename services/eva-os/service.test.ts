import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Envelope } from './approvals/envelope.ts'
import { gateBody, REMOVAL_ARGS, removalEnvelope, startEva, type TestEva } from './testing.ts'

let eva: TestEva
before(async () => {
  // Enough for all cases of this file; the limits have a test of their own.
  eva = await startEva({ config: { approval_burst: 1000, approvals_per_minute: 1000 } })
})
after(() => eva.stop())

async function requested(
  envelope: Envelope = removalEnvelope(),
  args: object = REMOVAL_ARGS,
): Promise<string> {
  const answer = await eva.ask('/gate-tool-call', { as: 'openclaw', body: gateBody(envelope, args) })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const { approval_request: request } = answer.body as unknown as { approval_request: { token_id: string } }
  return request.token_id
}

async function approved(envelope?: Envelope, args?: object): Promise<string> {
  const tokenId = await requested(envelope, args)
  const answer = await decide(tokenId, 'approve')
  assert.equal(answer.status, 200)
  return tokenId
}

const decide = (token_id: string, decision: string, key = eva.home.operatorKey) =>
  eva.ask('/approve', { key, body: { token_id, decision } })

const redeem = (tokenId: string, envelope = removalEnvelope(), as = 'openclaw') =>
  eva.ask(`/approvals/${tokenId}/redeem`, { as, body: { envelope } })

test('a destructive call is not approved by policy: a person is asked, with a summary of the very call', async () => {
  const answer = await eva.ask('/gate-tool-call', { as: 'openclaw', body: gateBody(removalEnvelope()) })
  const body = answer.body as unknown as {
    status: string
    tier: string
    approval_request: { ttl_seconds: number; summary: string }
  }
  assert.equal(body.status, 'approval_required')
  assert.equal(body.tier, 'TIER_3_DESTRUCTIVE')
  assert.equal(body.approval_request.ttl_seconds, 120)
  assert.match(body.approval_request.summary, /run rm -r old\nin folder \/srv\/sandbox/)
})

test('an approval that nobody issued, or nobody decided, redeems nothing', async () => {
  assert.equal((await redeem(`apr_${'0'.repeat(32)}`)).reason, 'APPROVAL_UNKNOWN')
  assert.equal((await redeem(await requested())).reason, 'APPROVAL_PENDING')
  assert.equal((await redeem('fake')).status, 400)
})

test('a denied call is not allowed, and the denial is final', async () => {
  const tokenId = await requested()
  assert.equal((await decide(tokenId, 'deny')).status, 200)
  assert.equal((await redeem(tokenId)).reason, 'POLICY_DENIED')
  assert.equal((await decide(tokenId, 'approve')).reason, 'APPROVAL_USED')
})

test('an approval is for the exact call: every part that differs refuses it', async () => {
  const tokenId = await approved()
  const changes: Partial<Envelope>[] = [
    { canonical_args_sha256: 'f'.repeat(64) },
    { argv: ['rm', '-r', 'new'] },
    { timeout_ms: 5001 },
    { program: { path: '/usr/bin/rm', device: 1, inode: 4, sha256: 'a'.repeat(64) } },
    { cwd: { path: '/srv/sandbox/sub', device: 1, inode: 9 } },
    { env: ['PATH'] },
    { operands: [{ path: 'old', sha256: 'c'.repeat(64) }] },
    { principal: 'other' },
    { session_id: 'ses_0123456789abcdef' },
    { tier: 'TIER_1_COMPUTE' },
    { grammar_match: false },
    { tool: 'file.write' },
  ]
  for (const change of changes) {
    const answer = await redeem(tokenId, removalEnvelope(change))
    assert.equal(answer.reason, 'APPROVAL_MISMATCH', JSON.stringify(change))
  }
  assert.equal((await redeem(tokenId)).status, 200)
})

test('100 concurrent uses of one approval: exactly one gets the stored argv, the others are told it was used', async () => {
  const tokenId = await approved()
  const answers = await Promise.all(Array.from({ length: 100 }, () => redeem(tokenId)))
  const winners = answers.filter(({ status }) => status === 200)
  assert.deepEqual(
    winners.map(({ body }) => (body as unknown as { argv: string[] }).argv),
    [['rm', '-r', 'old']],
  )
  assert.equal(answers.filter(({ reason }) => reason === 'APPROVAL_USED').length, 99)
})

test('whoever asks does not approve, but may withdraw', async () => {
  const envelope = removalEnvelope({ principal: 'operator' })
  const tokenId = await requested(envelope)
  const answer = await decide(tokenId, 'approve')
  assert.equal(answer.status, 403)
  assert.equal(answer.reason, 'SELF_APPROVAL')
  assert.equal((await decide(tokenId, 'deny')).status, 200)
})

test('a service token decides nothing, and nobody but openclaw redeems or brings envelopes', async () => {
  const tokenId = await requested()
  const body = { token_id: tokenId, decision: 'approve' }
  assert.equal((await eva.ask('/approve', { as: 'openclaw', body })).status, 401)
  assert.equal((await decide(tokenId, 'approve', 'x'.repeat(43))).status, 401)
  assert.equal((await redeem(tokenId, removalEnvelope(), 'api-gateway')).status, 403)
  const gate = await eva.ask('/gate-tool-call', { as: 'api-gateway', body: gateBody(removalEnvelope()) })
  assert.equal(gate.status, 403)
  assert.equal((await eva.ask('/gate-tool-call', { body: gateBody(removalEnvelope()) })).status, 401)
})

test('an envelope of another call than the one asked about is refused', async () => {
  const cases: object[] = [
    { ...gateBody(removalEnvelope()), args: { command: 'rm -r other' } },
    { ...gateBody(removalEnvelope()), principal: 'other' },
    { ...gateBody(removalEnvelope()), tool_name: 'file.read' },
    { ...gateBody(removalEnvelope()), session_id: 'ses_0123456789abcdef' },
    gateBody(removalEnvelope({ argv: null })),
  ]
  for (const body of cases) {
    const answer = await eva.ask('/gate-tool-call', { as: 'openclaw', body })
    assert.equal(answer.status, 400, JSON.stringify(body))
  }
})

test('unknown tools, aliases and other spellings are denied', async () => {
  for (const tool_name of ['Shell.Run', 'shell.run ', 'bash', 'shell_run', 'file.delete']) {
    const answer = await eva.ask('/gate-tool-call', {
      as: 'openclaw',
      body: { tool_name, args: {}, principal: 'local' },
    })
    assert.equal((answer.body as unknown as { status: string }).status, 'denied', tool_name)
  }
})

test('a command cannot make itself harmless by its tier: without a matching grammar a person is asked', async () => {
  const envelope = removalEnvelope({ tier: 'TIER_0_READONLY', grammar_match: false })
  const answer = await eva.ask('/gate-tool-call', { as: 'openclaw', body: gateBody(envelope) })
  const body = answer.body as unknown as { status: string; tier: string }
  assert.deepEqual([body.status, body.tier], ['approval_required', 'TIER_3_DESTRUCTIVE'])
})

test('reads, computations and creations inside the sandbox are approved by the default policy', async () => {
  const compute = removalEnvelope({ tier: 'TIER_1_COMPUTE', argv: ['ls'] })
  const answer = await eva.ask('/gate-tool-call', { as: 'openclaw', body: gateBody(compute) })
  const body = answer.body as unknown as { status: string; reason: string; policy_version: string }
  assert.equal(body.status, 'approved')
  assert.equal(body.reason, 'rule compute-by-known-grammars')
  assert.match(body.policy_version, /^sha256:[0-9a-f]{64}$/)
})

test('a key named twice in one body is refused', async () => {
  const token = await eva.tokenOf('openclaw')
  const answer = await eva.app.inject({
    method: 'POST',
    url: '/gate-tool-call',
    headers: { 'content-type': 'application/json', 'x-service-token': token },
    payload: '{"tool_name":"file.read","tool_name":"shell.run","args":{},"principal":"local"}',
  })
  assert.equal(answer.statusCode, 400)
})

test('tokens are issued by bootstrap secret for the pairs of the catalogue only', async () => {
  const issue = (name: string, secret: string, audience: string) =>
    eva.ask('/v1/tokens', {
      headers: { 'x-service-name': name, 'x-bootstrap-secret': secret },
      body: { audience },
    })
  const { secretOf } = eva.home
  assert.equal((await issue('pipecat', secretOf('openclaw'), 'api-gateway')).status, 401)
  assert.equal((await issue('pipecat', '', 'api-gateway')).status, 401)
  assert.equal((await issue('../config/operator.key', eva.home.operatorKey, 'api-gateway')).status, 401)
  assert.equal((await issue('pipecat', secretOf('pipecat'), 'openclaw')).status, 403)
  assert.equal((await issue('pipecat', secretOf('pipecat'), 'nobody')).status, 400)
  assert.equal((await issue('pipecat', secretOf('pipecat'), 'api-gateway')).status, 200)
  assert.equal((await issue('supervisor', secretOf('supervisor'), 'memory-engine')).status, 200)
})
