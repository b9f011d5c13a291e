import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FILE_BYTES_MAX } from './files/read-file.ts'
import { type Openclaw, buildOpenclaw, policyDouble } from './testing.ts'

let openclaw: Openclaw
let sandbox: string

before(async () => {
  openclaw = await buildOpenclaw({ config: { browser: { engine: 'http' } } })
  sandbox = join(openclaw.home, 'sandbox')
  mkdirSync(join(sandbox, 'docs'))
  writeFileSync(join(sandbox, 'docs', 'a.txt'), 'alpha\nbeta\n')
  writeFileSync(join(openclaw.home, 'secret.txt'), 'secret')
  symlinkSync(join(openclaw.home, 'secret.txt'), join(sandbox, 'link'))
})
after(() => openclaw.stop())

const refusals: readonly [string, string, object, number, string][] = [
  ['an unknown tool', 'shell.exec', { command: 'ls' }, 404, 'UNKNOWN_TOOL'],
  ['a tool in other letters', 'Shell.Run', { command: 'ls' }, 404, 'UNKNOWN_TOOL'],
  ['two commands', 'shell.run', { command: 'cd /tmp && malware.exe' }, 400, 'SHELL_SYNTAX'],
  ['a program that is not listed', 'shell.run', { command: 'python3 -c 1' }, 403, 'PROGRAM_NOT_ALLOWED'],
  ['an option that is not listed', 'shell.run', { command: 'find . -delete' }, 403, 'ARGUMENT_NOT_ALLOWED'],
  ['a path outside', 'shell.run', { command: 'cat /etc/passwd' }, 403, 'OUTSIDE_SANDBOX'],
  ['a link as operand', 'shell.run', { command: 'cat link' }, 403, 'LINK_REFUSED'],
  ['deletion without a person', 'shell.run', { command: 'rm /important/file' }, 403, 'APPROVAL_REQUIRED'],
  ['traversal', 'file.read', { path: '../../../../etc/passwd' }, 403, 'OUTSIDE_SANDBOX'],
  ['a link', 'file.read', { path: 'S:/link' }, 403, 'LINK_REFUSED'],
  ['a protected name', 'file.write', { path: '.git/config', content: '' }, 403, 'PROTECTED_NAME'],
  ['a loopback address', 'browser.open', { url: 'http://127.0.0.1:7050/' }, 403, 'ADDRESS_REFUSED'],
  ['another scheme', 'browser.open', { url: 'file:///etc/passwd' }, 403, 'SCHEME_REFUSED'],
]
for (const [what, tool, args, status, reason] of refusals) {
  test(`${what} is refused with ${reason}`, async () => {
    const answer = await openclaw.execute(tool, args)
    assert.deepEqual([answer.status, answer.body.error?.details?.reason], [status, reason])
  })
}

test('unknown fields in the arguments are refused', async () => {
  const answer = await openclaw.execute('file.read', { path: 'docs/a.txt', follow_links: true })
  assert.deepEqual([answer.status, answer.body.error?.code], [400, 'INVALID_ARGUMENT'])
})

test('a caller without a service token is refused', async () => {
  const payload = { tool_name: 'file.read', args: { path: 'docs/a.txt' } }
  const response = await openclaw.app.inject({ method: 'POST', url: '/execute', payload })
  assert.equal(response.statusCode, 401)
})

test('a body that names a key twice is refused', async () => {
  const headers = { ...(await openclaw.headersFrom('api-gateway')), 'content-type': 'application/json' }
  const payload = '{"tool_name":"file.read","tool_name":"shell.run","args":{"path":"docs/a.txt"}}'
  const response = await openclaw.app.inject({ method: 'POST', url: '/execute', headers, payload })
  assert.equal(response.statusCode, 400)
})

test('an approval token that cannot be one is malformed, one that nobody issued is unknown', async () => {
  const malformed = await openclaw.execute(
    'shell.run',
    { command: 'rm docs/a.txt' },
    { approval_token: 'fake' },
  )
  const unknown = await openclaw.execute(
    'shell.run',
    { command: 'rm docs/a.txt' },
    { approval_token: `apr_${'0'.repeat(24)}` },
  )
  assert.deepEqual([malformed.status, malformed.body.error?.code], [400, 'INVALID_ARGUMENT'])
  assert.deepEqual([unknown.status, unknown.body.error?.details?.reason], [403, 'APPROVAL_UNKNOWN'])
})

test('nothing runs when eva-os gives no decision that is understood', async () => {
  const policy = policyDouble(() => ({ status: 'maybe' }))
  const other = await buildOpenclaw({}, policy)
  const answer = await other.execute('file.write', { path: 'x.txt', content: 'x' })
  assert.equal(answer.status, 503)
  assert.throws(() => readFileSync(join(other.home, 'sandbox', 'x.txt')), { code: 'ENOENT' })
  await other.stop()
})

test('an allowed command runs and says what it printed', async () => {
  const answer = await openclaw.execute('shell.run', { command: "grep -n 'beta' a.txt", cwd: 'docs' })
  assert.equal(answer.status, 200)
  assert.equal(answer.body.status, 'executed')
  assert.equal(answer.body.result?.['stdout'], '2:beta\n')
})

test('an approved call runs the words that were approved', async () => {
  let stored: readonly string[] = []
  const policy = policyDouble((request) => {
    const { envelope } = request.body as { envelope: { argv: string[] } }
    stored = envelope.argv
    return { status: 'redeemed', argv: [stored[0], '-v', 'approved'], envelope }
  })
  const other = await buildOpenclaw({}, policy)
  const answer = await other.execute(
    'shell.run',
    { command: 'mkdir sub' },
    { approval_token: 'apr_0123456789abcdef' },
  )
  assert.equal(answer.status, 200)
  assert.match(String(answer.body.result?.['stdout']), /'approved'/)
  await other.stop()
})

test('a file is written, read back, and found under every spelling of the root', async () => {
  const written = await openclaw.execute('file.write', { path: 'new/deep/file.txt', content: 'héllo' })
  assert.deepEqual([written.status, written.body.result?.['created']], [200, true])
  for (const path of [
    'new/deep/file.txt',
    'S:\\new\\deep\\file.txt',
    '/sandbox/new/deep/file.txt',
    join(sandbox, 'new/deep/file.txt'),
  ]) {
    const read = await openclaw.execute('file.read', { path })
    assert.equal(read.body.result?.['content'], 'héllo')
  }
})

test('the largest file that is served can be written, whatever it is made of', async () => {
  for (const unit of ['x', '"', '\n']) {
    const content = unit.repeat(unit === 'x' ? FILE_BYTES_MAX : FILE_BYTES_MAX / 2)
    const written = await openclaw.execute('file.write', { path: 'largest.txt', content })
    assert.deepEqual([written.status, written.body.result?.['size_bytes']], [200, content.length])
  }
})

test('each execution is recorded before and after, and each refusal', async () => {
  await openclaw.execute('file.read', { path: 'docs/a.txt' })
  const headers = await openclaw.headersFrom('api-gateway')
  const response = await openclaw.app.inject({ url: '/logs/execution?limit=1000', headers })
  const { entries } = response.json<{ entries: { phase: string; tool: string; execution_id: string }[] }>()
  const reads = entries.filter(({ tool }) => tool === 'file.read')
  const last = reads.at(-1)
  assert.deepEqual(
    reads.slice(-2).map(({ phase, execution_id: id }) => [phase, id]),
    [
      ['before', last?.execution_id],
      ['after', last?.execution_id],
    ],
  )
  assert.ok(entries.some(({ phase }) => phase === 'refused'))
})

test('the tools describe themselves, shell.run with its programs', async () => {
  const headers = await openclaw.headersFrom('api-gateway')
  const list = await openclaw.app.inject({ url: '/tools', headers })
  assert.deepEqual(
    list
      .json<{ tools: { name: string; available: boolean }[] }>()
      .tools.map(({ name, available }) => [name, available]),
    [
      ['shell.run', true],
      ['file.read', true],
      ['file.write', true],
      ['browser.open', true],
    ],
  )
  const shell = await openclaw.app.inject({ url: '/tools/shell.run', headers })
  const described = shell.json<{ programs: { name: string }[]; containment: string }>()
  assert.ok(described.programs.some(({ name }) => name === 'grep'))
  assert.equal(described.containment, 'bubblewrap')
  assert.equal((await openclaw.app.inject({ url: '/tools/nope', headers })).statusCode, 404)
})
