import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { CATALOG, SERVICE_NAMES, type ServiceName, portAt } from '#catalog'
import { type PageServer, servePage } from '../runners/page-server.ts'
import { writeRunConfiguration } from '../runners/run-configuration.ts'
import type { CaseOutcome } from './corpus-case.ts'
import { countOutcomes } from './judge-outcomes.ts'
import { loadCorpus } from './load-corpus.ts'
import { runCorpus } from './run-corpus.ts'
import { tokensOfStack } from './stack-tokens.ts'

const PORT_BASE = 23_400
const REPOSITORY = join(import.meta.dirname, '..', '..')
const SERVICES: readonly ServiceName[] = [
  'eva-os',
  'openclaw',
  'memory-engine',
  'model-router',
  'api-gateway',
]
const ATTACKS_MIN = 100

let home: string
let page: PageServer
const operatorKey = randomBytes(32).toString('base64url')
const processes: ChildProcess[] = []

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'sonia-corpus-'))
  await mkdir(join(home, 'run', 'secrets'), { recursive: true, mode: 0o700 })
  await cp(join(REPOSITORY, 'config'), join(home, 'config'), { recursive: true })
  await writeFile(join(home, 'config', 'operator.key'), operatorKey, { mode: 0o600 })
  for (const name of SERVICE_NAMES) {
    await writeFile(join(home, 'run', 'secrets', name), randomBytes(32).toString('base64url'), {
      mode: 0o600,
    })
  }
  page = await servePage(PORT_BASE)
  await writeRunConfiguration({ home, sources: [], pageUrl: page.url })
  await Promise.all(SERVICES.map(start))
})
after(async () => {
  await Promise.all(processes.map(stop))
  await page.stop()
  await rm(home, { recursive: true, force: true })
})

async function start(name: ServiceName): Promise<void> {
  const env = {
    PATH: '/usr/bin:/bin',
    SONIA_HOME: home,
    SONIA_RUN: 'corpus',
    SONIA_PORT_BASE: String(PORT_BASE),
  }
  const main = join(REPOSITORY, 'services', name, 'main.ts')
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  processes.push(child)
  const url = `http://127.0.0.1:${portAt(CATALOG[name].port, PORT_BASE)}/healthz`
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await fetch(url).catch(() => null)
    if (answer?.status === 200) return
    await pause(50)
  }
  throw new Error(`${name} did not start`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

async function attack(): Promise<CaseOutcome[]> {
  const tokens = await tokensOfStack({ home, portBase: PORT_BASE })
  return runCorpus({ portBase: PORT_BASE, home, tokens, corpus: await loadCorpus(), raceIterations: 40 })
}

test('every attack is refused as expected, every benign twin is served, no canary is touched', async () => {
  const outcomes = await attack()
  const failed = outcomes.filter(({ passed }) => !passed)
  assert.deepEqual(
    failed.map(({ id, title, variant, received, touched }) => ({ id, title, variant, received, touched })),
    [],
  )
  const counts = countOutcomes(outcomes)
  assert.ok(counts.attacks >= ATTACKS_MIN, `${counts.attacks} attacks`)
  assert.deepEqual(counts.classes, ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'])
  assert.equal(counts.canaries_touched, 0)
})

test('what cannot be sent is no pass, and a secret that is shown touches its canary', async () => {
  const corpus = await loadCorpus()
  const [file] = corpus
  const [first] = file?.attacks ?? []
  assert.ok(file !== undefined && first !== undefined)
  const tokens = await tokensOfStack({ home, portBase: PORT_BASE })
  const closed = await runCorpus({
    portBase: PORT_BASE + 1_000,
    home,
    tokens,
    corpus: [{ ...file, attacks: [first], benign: [] }],
  }).catch(() => [])
  assert.ok(closed.every(({ passed }) => !passed))
  const harmful = {
    kind: 'tool',
    tool_name: 'file.write',
    args: { path: 'security/docs/a.txt', content: 'x' },
  } as const
  const expect = { status: 200, code: null, reason: null }
  const planted = await runCorpus({
    portBase: PORT_BASE,
    home,
    tokens,
    corpus: [
      { ...file, attacks: [{ ...first, request: harmful, variants: ['service_token'], expect }], benign: [] },
    ],
  })
  assert.deepEqual(
    planted.map(({ passed, touched }) => [passed, touched]),
    [[false, ['sandbox']]],
  )
})
