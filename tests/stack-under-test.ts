import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ServiceName } from '#catalog'
import { startStack } from '#ops/stack.ts'
import { servePage } from '#gates/runners/page-server.ts'
import { writeRunConfiguration } from '#gates/runners/run-configuration.ts'
import {
  askService,
  type ServiceAnswer,
  type ServiceRequest,
  serviceToken,
} from '#gates/runners/service-access.ts'
import { STACK_VARIABLE } from '#gates/runners/test-run.ts'
import { reservePortBase } from './reserve-port-base.ts'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** A running stack of the six real services. */
export interface StackUnderTest {
  readonly home: string
  readonly portBase: number
  readonly runId: string
  /** A page that browser.open may load. */
  readonly pageUrl: string
}

let stack: Promise<StackUnderTest> | undefined
let stopOwn = async (): Promise<void> => undefined

// At the level of the file: inside a test it would end with that test.
after(() => stopOwn())

/** The stack that the gate runs, or one of our own for the tests of this process; started once. */
export function stackUnderTest(): Promise<StackUnderTest> {
  stack ??= env[STACK_VARIABLE] === undefined ? ownStack() : givenStack(env[STACK_VARIABLE])
  return stack
}

/** One request from outside, without any credential. */
export async function ask(service: ServiceName, request: ServiceRequest): Promise<ServiceAnswer> {
  return askService(await stackUnderTest(), service, request)
}

const tokens = new Map<string, Promise<string>>()

/** The same as a service would send it: with its token for the callee. */
export async function askAs(
  as: ServiceName,
  service: ServiceName,
  request: ServiceRequest,
): Promise<ServiceAnswer> {
  const token = await tokenFor(as, service)
  return ask(service, { ...request, headers: { 'x-service-token': token, ...request.headers } })
}

/** A token that eva-os issues to one service for another. */
export function tokenFor(as: ServiceName, audience: ServiceName): Promise<string> {
  const key = `${as} ${audience}`
  const token = tokens.get(key) ?? stackUnderTest().then((address) => serviceToken(address, as, audience))
  tokens.set(key, token)
  return token
}

/** The credential of the person who runs this stack. */
export async function operatorKey(): Promise<string> {
  const { home } = await stackUnderTest()
  return (await readFile(join(home, 'config', 'operator.key'), 'utf8')).trim()
}

function givenStack(text: string): Promise<StackUnderTest> {
  return Promise.resolve(JSON.parse(text) as StackUnderTest)
}

async function ownStack(): Promise<StackUnderTest> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-tests-'))
  const portBase = await reservePortBase()
  const page = await servePage(portBase)
  await writeRunConfiguration({ home, sources: [join(REPOSITORY, 'config')], pageUrl: page.url })
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const started = await startStack({
    repo: REPOSITORY,
    home,
    portBase,
    runId: `tests-${process.pid}`,
    host: { env, clock },
  })
  stopOwn = async () => {
    await started.stop()
    await page.stop()
    await rm(home, { recursive: true, force: true })
  }
  return { home, portBase, runId: started.runId, pageUrl: page.url }
}
