import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CATALOG, portAt, type ServiceName } from '#catalog'
import { createTestHome, type TestHome } from './testing.ts'

const PORT_BASE = 21_800
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

let home: TestHome
let sandbox: string
const processes = new Map<ServiceName, ChildProcess>()

before(async () => {
  home = createTestHome()
  sandbox = join(home.home, 'sandbox')
  mkdirSync(sandbox, { recursive: true, mode: 0o700 })
  await Promise.all([start('eva-os'), start('openclaw')])
})
after(async () => {
  await Promise.all([...processes.values()].map(stop))
  home.remove()
})

async function start(name: ServiceName): Promise<void> {
  const child = spawn(process.execPath, [join(REPOSITORY, 'services', name, 'main.ts')], {
    env: {
      PATH: '/usr/bin:/bin',
      SONIA_HOME: home.home,
      SONIA_RUN: 'real-run',
      SONIA_PORT_BASE: String(PORT_BASE),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  processes.set(name, child)
  await ready(name)
}

async function ready(name: ServiceName): Promise<void> {
  const deadline = performance.now() + 30_000
  while (performance.now() < deadline) {
    const answer = await fetch(`${origin(name)}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
    await pause(50)
  }
  throw new Error(`${name} did not become ready`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

function origin(name: ServiceName): string {
  return `http://127.0.0.1:${portAt(CATALOG[name].port, PORT_BASE)}`
}

interface Reply {
  readonly status: number
  readonly body: {
    readonly token?: string
    readonly status?: string
    readonly error?: {
      readonly code: string
      readonly details?: {
        readonly reason?: string
        readonly approval_request?: { readonly token_id: string; readonly summary: string }
      }
    }
  }
}

async function post(url: string, body: object, headers: Record<string, string>): Promise<Reply> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: answer.status, body: (await answer.json()) as Reply['body'] }
}

async function gatewayToken(): Promise<string> {
  const { body } = await post(
    `${origin('eva-os')}/v1/tokens`,
    { audience: 'openclaw' },
    { 'x-service-name': 'api-gateway', 'x-bootstrap-secret': home.secretOf('api-gateway') },
  )
  return body.token ?? ''
}

async function execute(command: string, approvalToken?: string): Promise<Reply> {
  const token = await gatewayToken()
  return post(
    `${origin('openclaw')}/execute`,
    {
      tool_name: 'shell.run',
      args: { command },
      ...(approvalToken === undefined ? {} : { approval_token: approvalToken }),
    },
    { 'x-service-token': token },
  )
}

const approve = (tokenId: string) =>
  post(
    `${origin('eva-os')}/approve`,
    { token_id: tokenId, decision: 'approve' },
    { 'x-operator-key': home.operatorKey },
  )

const reasonOf = ({ body }: Reply) => body.error?.details?.reason

test('a destructive command runs only after a person approved it, once, and only that command', async () => {
  const victim = join(sandbox, 'victim')
  const other = join(sandbox, 'other')
  for (const path of [victim, other]) writeFileSync(path, 'contents')

  const asked = await execute('rm victim')
  assert.equal(asked.status, 403)
  assert.equal(reasonOf(asked), 'APPROVAL_REQUIRED')
  assert.ok(existsSync(victim))
  const request = asked.body.error?.details?.approval_request
  assert.match(request?.summary ?? '', /rm victim/)
  const tokenId = request?.token_id ?? ''

  assert.equal(reasonOf(await execute('rm victim', tokenId)), 'APPROVAL_PENDING')
  assert.equal((await approve(tokenId)).status, 200)
  assert.equal(reasonOf(await execute('rm other', tokenId)), 'APPROVAL_MISMATCH')
  assert.ok(existsSync(victim) && existsSync(other))

  const run = await execute('rm victim', tokenId)
  assert.equal(run.status, 200, JSON.stringify(run.body))
  assert.equal(run.body.status, 'executed')
  assert.equal(existsSync(victim), false)
  writeFileSync(victim, 'again')
  assert.equal(reasonOf(await execute('rm victim', tokenId)), 'APPROVAL_USED')
  assert.ok(existsSync(victim) && existsSync(other))
})

test('an operand that changed while the approval was open refuses it', async () => {
  const path = join(sandbox, 'report')
  writeFileSync(path, 'first')
  const asked = await execute('rm report')
  const tokenId = asked.body.error?.details?.approval_request?.token_id ?? ''
  assert.equal((await approve(tokenId)).status, 200)
  writeFileSync(path, 'second')
  assert.equal(reasonOf(await execute('rm report', tokenId)), 'APPROVAL_MISMATCH')
  assert.ok(existsSync(path))
})

test('100 concurrent executions under one approval: exactly one runs', async () => {
  mkdirSync(join(sandbox, 'made'), { recursive: true })
  const asked = await execute('mkdir made/once')
  const tokenId = asked.body.error?.details?.approval_request?.token_id ?? ''
  assert.equal((await approve(tokenId)).status, 200)
  const replies = await Promise.all(Array.from({ length: 100 }, () => execute('mkdir made/once', tokenId)))
  assert.equal(
    replies.filter(({ status }) => status === 200).length,
    1,
    JSON.stringify(replies.map(reasonOf)),
  )
})

test('while eva-os is away nothing is executed, though tokens still hold; once it is back, it goes on', async () => {
  const headers = { 'x-service-token': await gatewayToken() }
  const body = { tool_name: 'file.write', args: { path: 'while-away.txt', content: 'x' } }
  const write = () => post(`${origin('openclaw')}/execute`, body, headers)
  const eva = processes.get('eva-os')
  assert.ok(eva !== undefined)
  await stop(eva)
  const refused = await write()
  assert.deepEqual([refused.status, refused.body.error?.code], [503, 'UNAVAILABLE'])
  assert.ok(!existsSync(join(sandbox, 'while-away.txt')))
  await start('eva-os')
  const deadline = performance.now() + 10_000
  while ((await write()).status !== 200 && performance.now() < deadline) await pause(100)
  assert.ok(existsSync(join(sandbox, 'while-away.txt')))
})
