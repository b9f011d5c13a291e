import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CATALOG, portAt } from '#catalog'
import { hostForTest } from '../host-for-test.ts'
import { runProgram } from '../program.ts'

const PORT_BASE = 21_600
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const EVA = `http://127.0.0.1:${portAt(CATALOG['eva-os'].port, PORT_BASE)}`

let home: string
let eva: ChildProcess

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'sonia-people-'))
  mkdirSync(join(home, 'run', 'secrets'), { recursive: true, mode: 0o700 })
  cpSync(join(REPOSITORY, 'config', 'policies'), join(home, 'config', 'policies'), { recursive: true })
  writeFileSync(join(home, 'config', 'operator.key'), randomBytes(32).toString('base64url'), { mode: 0o600 })
  eva = spawn(process.execPath, [join(REPOSITORY, 'services', 'eva-os', 'main.ts')], {
    env: {
      PATH: '/usr/bin:/bin',
      SONIA_HOME: home,
      SONIA_RUN: 'people',
      SONIA_PORT_BASE: String(PORT_BASE),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await ready()
})
after(async () => {
  const ended = once(eva, 'exit')
  eva.kill('SIGTERM')
  await ended
  rmSync(home, { recursive: true, force: true })
})

async function ready(): Promise<void> {
  const deadline = performance.now() + 20_000
  while (performance.now() < deadline) {
    const answer = await fetch(`${EVA}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
    await pause(50)
  }
  throw new Error('eva-os did not become ready')
}

async function sonia(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const host = hostForTest([...argv, '--port-base', String(PORT_BASE)], { SONIA_HOME: home })
  const code = await runProgram(host)
  return { code, out: host.printed.stdout, err: host.printed.stderr }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A call as openclaw would put it, under a token that an operator made. */
async function askToRemove(name: string): Promise<{ token: string; tokenId: string; envelope: object }> {
  const token = (await sonia('token', '--as', 'openclaw', '--aud', 'eva-os')).out.trim()
  const args = { command: `rm ${name}` }
  const envelope = {
    tool: 'shell.run',
    canonical_args_sha256: sha256(JSON.stringify(args)),
    argv: ['rm', name],
    timeout_ms: 5000,
    program: { path: '/usr/bin/rm', device: 1, inode: 2, sha256: 'a'.repeat(64) },
    cwd: { path: '/sandbox', device: 1, inode: 3 },
    env: ['PATH'],
    operands: [{ path: name, sha256: null }],
    principal: 'local',
    session_id: null,
    tier: 'TIER_3_DESTRUCTIVE',
    grammar_match: true,
  }
  const body = { tool_name: 'shell.run', args, principal: 'local', envelope }
  const answer = (await post('/gate-tool-call', token, body)) as { approval_request: { token_id: string } }
  return { token, tokenId: answer.approval_request.token_id, envelope }
}

async function post(path: string, token: string, body: object): Promise<unknown> {
  const answer = await fetch(EVA + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-service-token': token },
    body: JSON.stringify(body),
  })
  return answer.json()
}

test('list shows exactly what would run and the time left; approve lets that call through, once', async () => {
  const { token, tokenId, envelope } = await askToRemove('old report')
  const listed = await sonia('approvals', 'list')
  assert.equal(listed.code, 0)
  assert.match(listed.out, new RegExp(`^${tokenId} {2}pending {2}1[12]\\d s left$`, 'm'))
  assert.match(listed.out, /shell\.run: run rm "old report"\n {2}in folder \/sandbox/)
  const approved = await sonia('approvals', 'approve', tokenId, '--reason', 'looked at it')
  assert.match(approved.out, new RegExp(`${tokenId} {2}approved`))
  const redeemed = (await post(`/approvals/${tokenId}/redeem`, token, { envelope })) as {
    status: string
    argv: string[]
  }
  assert.deepEqual([redeemed.status, redeemed.argv], ['redeemed', ['rm', 'old report']])
  const again = await sonia('approvals', 'approve', tokenId)
  assert.equal(again.code, 65)
  assert.match(again.err, /APPROVAL_USED/)
})

test('the beginning of an id names the one call that waits, and nothing where it is short, unknown or of two', async () => {
  const [one, other] = [await askToRemove('one'), await askToRemove('two')]
  for (const named of ['apr_', one.tokenId.slice(0, 7), 'apr_0000zzzz']) {
    assert.equal((await sonia('approvals', 'approve', named)).code, 65, named)
  }
  const approved = await sonia('approvals', 'approve', one.tokenId.slice(0, 20))
  assert.match(approved.out, new RegExp(`repeats the same call with "approval_token": "${one.tokenId}"`))
  assert.equal((await sonia('approvals', 'deny', other.tokenId.slice(0, 20))).code, 0)
})

test('deny is final', async () => {
  const { token, tokenId, envelope } = await askToRemove('other')
  assert.equal((await sonia('approvals', 'deny', tokenId)).code, 0)
  const refused = (await post(`/approvals/${tokenId}/redeem`, token, { envelope })) as {
    error: { details: { reason: string } }
  }
  assert.equal(refused.error.details.reason, 'POLICY_DENIED')
  const { out } = await sonia('approvals', 'list', '--json')
  assert.ok(!out.includes(tokenId))
})

test('a token is given for pairs of the catalogue only', async () => {
  const refused = await sonia('token', '--as', 'model-router', '--aud', 'openclaw')
  assert.equal(refused.code, 65)
  assert.match(refused.err, /model-router does not call openclaw/)
  assert.equal((await sonia('token', '--as', 'supervisor', '--aud', 'openclaw')).code, 0)
  assert.equal((await sonia('token', '--as', 'nobody', '--aud', 'openclaw')).code, 64)
})

test('without a stack, without a key, and with a wrong key, each says what to try', async () => {
  const key = join(home, 'config', 'operator.key')
  writeFileSync(key, 'w'.repeat(43))
  const wrong = await sonia('approvals', 'list')
  assert.deepEqual([wrong.code, /OPERATOR_KEY/.test(wrong.err)], [65, true])
  rmSync(key)
  assert.equal((await sonia('approvals', 'list')).code, 69)
})
