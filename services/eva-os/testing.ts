import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SERVICE_NAMES } from '#catalog'
import { type BuildOptions, type BuiltService, buildService } from '#chassis/build-service.ts'
import type { Clock } from '#chassis/clock.ts'
import { canonicalSha256, type Envelope } from './approvals/envelope.ts'
import { service } from './service.ts'

/** A state folder as the supervisor prepares it: default policies, operator key, bootstrap secrets of a run. */
export interface TestHome {
  readonly home: string
  readonly policies: string
  readonly operatorKey: string
  readonly secretOf: (service: string) => string
  readonly remove: () => void
}

const DEFAULT_POLICIES = fileURLToPath(new URL('../../config/policies', import.meta.url))

export function createTestHome(): TestHome {
  const home = mkdtempSync(join(tmpdir(), 'sonia-eva-'))
  const policies = join(home, 'config', 'policies')
  const secrets = new Map([...SERVICE_NAMES, 'supervisor'].map((name) => [name, newSecret()]))
  const operatorKey = newSecret()
  cpSync(DEFAULT_POLICIES, policies, { recursive: true })
  mkdirSync(join(home, 'run', 'secrets'), { recursive: true, mode: 0o700 })
  for (const [name, secret] of secrets)
    writeFileSync(join(home, 'run', 'secrets', name), secret, { mode: 0o600 })
  writeFileSync(join(home, 'config', 'operator.key'), operatorKey, { mode: 0o600 })
  return {
    home,
    policies,
    operatorKey,
    secretOf: (name) => secrets.get(name) ?? '',
    remove: () => rmSync(home, { recursive: true, force: true }),
  }
}

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

export interface TestEva extends BuiltService {
  readonly home: TestHome
  readonly tokenOf: (name: string, audience?: string) => Promise<string>
  readonly ask: (path: string, request?: Ask) => Promise<Answer>
}

export interface Ask {
  readonly body?: object
  /** With a token of this service. */
  readonly as?: string
  /** With an operator key. */
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // Whatever the route answers; each test looks at what it expects.
  readonly body: Readonly<Record<string, never>>
  readonly reason: string | undefined
  readonly code: string | undefined
}

/** The real service without a port, in a home of its own. */
export async function startEva(
  options: Partial<BuildOptions> & { readonly testHome?: TestHome } = {},
): Promise<TestEva> {
  const home = options.testHome ?? createTestHome()
  const { testHome: _, ...rest } = options
  const built = await buildService(service, { runId: 'test-run', ...rest, home: home.home })
  await calm(built)
  const tokens = new Map<string, string>()
  const tokenOf = async (name: string, audience = 'eva-os') => {
    const answer = await built.app.inject({
      method: 'POST',
      url: '/v1/tokens',
      headers: { 'x-service-name': name, 'x-bootstrap-secret': home.secretOf(name) },
      payload: { audience },
    })
    return answer.json<{ token: string }>().token
  }
  const ask = async (path: string, request: Ask = {}): Promise<Answer> => {
    const { as, body } = request
    const token = as === undefined ? undefined : (tokens.get(as) ?? (await tokenOf(as)))
    if (as !== undefined && token !== undefined) tokens.set(as, token)
    const method = body === undefined ? 'GET' : 'POST'
    const headers = askHeaders(request, token)
    return answerOf(
      await built.app.inject({
        method,
        url: path,
        headers,
        ...(body === undefined ? {} : { payload: body }),
      }),
    )
  }
  return {
    ...built,
    home,
    tokenOf,
    ask,
    stop: async () => {
      await built.stop()
      if (options.testHome === undefined) home.remove()
    },
  }
}

const CALM_MS = 250
const CALM_WAIT_MS = 10_000

/** Loading the program on a busy machine blocks its loop for seconds; it sheds work until that is over, rightly. */
async function calm({ app }: BuiltService): Promise<void> {
  const deadlineMs = performance.now() + CALM_WAIT_MS
  while (app.memoryUsage().eventLoopDelay > CALM_MS && performance.now() < deadlineMs) await pause(20)
}

function askHeaders({ key, headers = {} }: Ask, token: string | undefined): Record<string, string> {
  return {
    host: '127.0.0.1',
    ...headers,
    ...(token === undefined ? {} : { 'x-service-token': token }),
    ...(key === undefined ? {} : { 'x-operator-key': key }),
  }
}

function answerOf(answer: Awaited<ReturnType<BuiltService['app']['inject']>>): Answer {
  const body = answer.json<{ error?: { code: string; details?: { reason?: string } } }>()
  const { error } = body
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: body as never,
    code: error?.code,
    reason: error?.details?.reason,
  }
}

/** A clock that only moves when told; both hands. */
export function movableClock(startMs = Date.parse('2026-01-01T00:00:00Z')): Clock & {
  pass(ms: number): void
  set(nowMs: number): void
} {
  let wallMs = startMs
  let monotonicMs = 0
  return {
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    pass: (ms) => {
      wallMs += ms
      monotonicMs += ms
    },
    set: (nowMs) => {
      wallMs = nowMs
    },
  }
}

/** The envelope that openclaw would make of `rm -r old`. */
export function removalEnvelope(changes: Partial<Envelope> = {}): Envelope {
  return {
    tool: 'shell.run',
    canonical_args_sha256: canonicalSha256(REMOVAL_ARGS) ?? '',
    argv: ['rm', '-r', 'old'],
    timeout_ms: 5000,
    program: { path: '/usr/bin/rm', device: 1, inode: 2, sha256: 'a'.repeat(64) },
    cwd: { path: '/srv/sandbox', device: 1, inode: 3 },
    env: ['PATH', 'LANG', 'HOME'],
    operands: [{ path: 'old', sha256: 'b'.repeat(64) }],
    principal: 'local',
    session_id: null,
    tier: 'TIER_3_DESTRUCTIVE',
    grammar_match: true,
    ...changes,
  }
}

export const REMOVAL_ARGS = { command: 'rm -r old' }

/** Body of POST /gate-tool-call for an envelope. */
export function gateBody(envelope: Envelope, args: object = REMOVAL_ARGS): object {
  return {
    tool_name: envelope.tool,
    args,
    principal: envelope.principal,
    ...(envelope.session_id === null ? {} : { session_id: envelope.session_id }),
    envelope,
  }
}
