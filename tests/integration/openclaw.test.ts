import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askAs, stackUnderTest } from '../stack-under-test.ts'
import { assertRefused, bodyOf, reasonOf } from './answers.ts'

function execute(toolName: string, args: Readonly<Record<string, unknown>>) {
  const body = { tool_name: toolName, args, timeout_ms: 10_000, principal: 'local' }
  return askAs('api-gateway', 'openclaw', { path: '/execute', body, timeoutMs: 20_000 })
}

async function executed(toolName: string, args: Readonly<Record<string, unknown>>) {
  const answer = await execute(toolName, args)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(bodyOf(answer)['status'], 'executed', JSON.stringify(answer.body))
  return bodyOf(answer)
}

test('the four tools are offered', async () => {
  const { tools } = bodyOf(await askAs('api-gateway', 'openclaw', { path: '/tools' }))
  const names = (tools as readonly { name: string }[]).map(({ name }) => name)
  assert.deepEqual(names.toSorted(), ['browser.open', 'file.read', 'file.write', 'shell.run'])
})

test('a path out of the sandbox is refused', async () => {
  const refused = assertRefused(
    await execute('file.read', { path: '../../../../etc/passwd' }),
    403,
    'FORBIDDEN',
  )
  assert.equal(reasonOf(refused), 'OUTSIDE_SANDBOX')
})

test('an absolute path out of the sandbox is refused', async () => {
  assertRefused(await execute('file.read', { path: '/etc/passwd' }), 403, 'FORBIDDEN')
})

test('shell syntax is refused', async () => {
  for (const command of ['cd /tmp && ls', 'ls | cat', 'ls; ls', 'echo $(id)', 'ls > out']) {
    const refused = assertRefused(await execute('shell.run', { command }), 400, 'INVALID_ARGUMENT')
    assert.equal(reasonOf(refused), 'SHELL_SYNTAX', command)
  }
})

test('an unknown argument is refused', async () => {
  const answer = await execute('file.read', { path: 'a.txt', mode: 'fast' })
  assert.ok(answer.status === 400 || answer.status === 422, String(answer.status))
})

test('a made-up approval does not let a destructive command run', async () => {
  const body = {
    tool_name: 'shell.run',
    args: { command: 'rm -rf notes' },
    approval_token: 'fake',
    principal: 'local',
  }
  const answer = await askAs('api-gateway', 'openclaw', { path: '/execute', body })
  assert.ok(answer.status === 400 || answer.status === 403, String(answer.status))
})

test('an address of the machine itself is not opened', async () => {
  const refused = assertRefused(
    await execute('browser.open', { url: 'http://127.0.0.1:1/' }),
    403,
    'FORBIDDEN',
  )
  assert.equal(reasonOf(refused), 'ADDRESS_REFUSED')
})

test('a file that is not there is not found', async () => {
  assertRefused(await execute('file.read', { path: 'never-written.txt' }), 404, 'NOT_FOUND')
})

test('a file is written and read back', async () => {
  await executed('file.write', { path: 'openclaw.txt', content: 'line one\n' })
  const { result } = await executed('file.read', { path: 'openclaw.txt' })
  assert.match(JSON.stringify(result), /line one/)
})

test('an allowed command runs in the sandbox', async () => {
  await executed('file.write', { path: 'listed.txt', content: 'x' })
  const { result } = await executed('shell.run', { command: 'ls' })
  assert.match(JSON.stringify(result), /listed\.txt/)
})

test('a page that the policy allows is opened', async () => {
  const { pageUrl } = await stackUnderTest()
  const { result } = await executed('browser.open', { url: pageUrl })
  assert.match(JSON.stringify(result), /A page for the gates/)
})

test('every execution is in the log', async () => {
  await executed('file.write', { path: 'logged.txt', content: 'x' })
  const log = bodyOf(await askAs('api-gateway', 'openclaw', { path: '/logs/execution?limit=20' }))
  assert.ok(Number(log['count']) > 0)
})
