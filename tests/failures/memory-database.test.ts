import assert from 'node:assert/strict'
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import type { UpstreamDouble } from '#gates/doubles/upstream.ts'
import { serviceToken } from '#gates/runners/service-access.ts'
import { ask, type FragileStack, startWithDouble, until } from './fragile-stack.ts'

// What can befall the database of memory-engine, and its provider of embeddings, with the real processes. In every
// case: the right code with its reason, nothing acknowledged is lost, the service lives and recovers by itself.

const LIMIT_MS = 120_000
/** A token holds for five minutes. */
const TOKEN_USED_MS = 60_000

let double: UpstreamDouble
let stack: FragileStack
let stop = async (): Promise<void> => undefined

before(async () => {
  const embedding = { name: 'vectors', purpose: 'embeddings' }
  const running = await startWithDouble(
    (baseUrl) => ({
      'memory-engine': {
        busy_timeout_ms: 50,
        embeddings: { enabled: true, model: 'vectors', query_timeout_ms: 5000 },
      },
      'model-router': {
        providers: {
          first: { kind: 'openai', base_url: baseUrl, models: [{ name: 'm' }, embedding] },
        },
      },
    }),
    ['eva-os', 'model-router', 'memory-engine'],
  )
  ;({ double, stack, stop } = running)
  await untilItListens()
})
after(() => stop())

const databaseFile = () => join(stack.home, 'data', 'memory', 'sonia.db')
const databaseFolder = () => join(stack.home, 'data', 'memory')

interface Body {
  readonly id?: string
  readonly content?: string
  readonly items?: number
  readonly vectors?: number
  readonly mode?: string
  readonly status?: string
  readonly results?: readonly { readonly id: string; readonly content: string }[]
  readonly error?: { readonly code: string; readonly details?: { readonly reason?: string } }
}

async function call(path: string, body?: object): Promise<{ readonly status: number; readonly body: Body }> {
  const headers = { 'x-service-token': await tokenOf() }
  const answer = await ask(stack, 'memory-engine', { path, headers, ...(body === undefined ? {} : { body }) })
  return { status: answer.status, body: answer.body as Body }
}

let token: { readonly text: string; readonly untilMs: number } | undefined
async function tokenOf(): Promise<string> {
  if (token === undefined || performance.now() > token.untilMs) {
    const text = await serviceToken(stack, 'api-gateway', 'memory-engine')
    token = { text, untilMs: performance.now() + TOKEN_USED_MS }
  }
  return token.text
}

const outcome = ({ status, body }: Awaited<ReturnType<typeof call>>) =>
  [status, body.error?.code ?? 'OK', body.error?.details?.reason].filter(Boolean).join(' ')
const tryToStore = async (content = 'tried') => outcome(await call('/store', { type: 'fact', content }))
const statusOf = async (path: '/healthz' | '/readyz') => (await call(path)).status

async function store(content: string): Promise<string> {
  const answer = await call('/store', { type: 'fact', content })
  assert.equal(outcome(answer), '200 OK')
  return answer.body.id ?? ''
}

async function assertKept(ids: readonly string[]): Promise<void> {
  for (const id of ids)
    assert.equal((await call(`/recall/${id}`)).status, 200, `${id} was acknowledged and lost`)
}

async function untilStoring(): Promise<void> {
  await until('memory-engine to store again', LIMIT_MS, async () => (await tryToStore()) === '200 OK')
}

/** A service that was just started on a loaded machine has not yet got the keys by which it knows its callers. */
async function untilItListens(): Promise<void> {
  await until('memory-engine to know its callers', LIMIT_MS, async () => {
    const answer = JSON.stringify((await call('/recall/mem_000000000000')).body)
    return !answer.includes('cannot be verified')
  })
}

async function restart(through?: readonly string[]): Promise<void> {
  await stack.kill('memory-engine')
  await stack.revive('memory-engine', through)
  await untilItListens()
}

/** Nobody has written: with the log of the killed process the database opens, and is no good all the same. */
async function assertOnlyRead(): Promise<void> {
  assert.ok(existsSync(`${databaseFile()}-wal`))
  assert.deepEqual([await statusOf('/healthz'), await statusOf('/readyz')], [200, 503])
  assert.match(await tryToStore(), /^503 UNAVAILABLE DATABASE_(READONLY|MISSING)$/)
}

/** Ends the service, changes the file, and starts it again; `restore` brings back the file as it was. */
async function withFile(change: (file: string) => void, work: () => Promise<void>): Promise<void> {
  const file = databaseFile()
  await stack.kill('memory-engine')
  fold(file)
  copyFileSync(file, `${file}.kept`)
  change(file)
  try {
    await stack.revive('memory-engine')
    await untilItListens()
    await work()
  } finally {
    // Under the running service: it looks again by itself.
    for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true })
    copyFileSync(`${file}.kept`, file)
  }
  await untilStoring()
}

/** Carries the log of the killed service into the file. */
function fold(file: string): void {
  const db = new Database(file)
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

describe('the database of memory-engine', () => {
  test('locked by another program: 503, reading goes on, and so does writing when the lock is gone', async () => {
    const kept = await store('kept while locked')
    const other = new Database(databaseFile())
    other.exec('BEGIN IMMEDIATE')
    try {
      assert.equal(await tryToStore(), '503 UNAVAILABLE DATABASE_LOCKED')
      await assertKept([kept])
      assert.equal(await statusOf('/healthz'), 200)
    } finally {
      other.exec('ROLLBACK')
      other.close()
    }
    await untilStoring()
    await assertKept([kept])
  })

  test('written by a newer version: 503, the file is not touched, and the old one is taken up again', async () => {
    const kept = await store('kept beside a newer version')
    const setNewer = (file: string) => {
      const db = new Database(file)
      db.pragma('journal_mode = DELETE')
      db.pragma('user_version = 9999')
      db.close()
    }
    await withFile(setNewer, async () => {
      const before = readFileSync(databaseFile())
      assert.equal(await tryToStore(), '503 UNAVAILABLE DATABASE_NEWER')
      assert.deepEqual([await statusOf('/healthz'), await statusOf('/readyz')], [200, 503])
      assert.deepEqual(readFileSync(databaseFile()), before)
    })
    await assertKept([kept])
  })

  test('damaged: 500 with its reason, the service lives, and takes up the copy that is put back', async () => {
    const kept = await store(`kept beside a damaged file ${'z'.repeat(20_000)}`)
    await withFile(overwrite, async () => {
      assert.equal(await tryToStore(), '500 INTERNAL_ERROR DATABASE_CORRUPT')
      assert.equal(await statusOf('/healthz'), 200)
    })
    await assertKept([kept])
  })

  test('on a disk that may only be read: 503, the service lives, and all is there when it may be written again', async () => {
    const kept = await store('kept on a disk that is only read')
    await restart(mounted('mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"'))
    await assertOnlyRead()
    await restart()
    await untilStoring()
    await assertKept([kept])
  })

  test('on a full disk: 503, what was acknowledged is read, and on a disk with room all goes on', async () => {
    await restart(mounted('mount -t tmpfs -o size=700k none "$1"'))
    const ids: string[] = []
    let last = '200 OK'
    for (let n = 0; n < 400 && last === '200 OK'; n++) {
      const answer = await call('/store', { type: 'fact', content: `filler${n} ${'x'.repeat(8000)}` })
      last = outcome(answer)
      if (answer.body.id !== undefined) ids.push(answer.body.id)
    }
    assert.equal(last, '503 UNAVAILABLE DATABASE_FULL')
    assert.ok(ids.length > 5, `${ids.length} were stored`)
    await assertKept(ids)
    assert.equal(await statusOf('/healthz'), 200)
    await restart()
    await untilStoring()
  })
})

describe('embeddings of a real provider', () => {
  test('memories are found by their vectors, by words alone while the provider is down, and by both afterwards', async () => {
    await store('The lighthouse keeper repairs violins')
    await untilEmbedded()
    const mode = async () => (await call('/search', { query: 'violinist repairing' })).body.mode
    assert.equal(await mode(), 'hybrid')
    assert.ok(double.state().seen.some(({ path }) => path.endsWith('/embeddings')))
    double.faults.set([{ fault: { kind: 'status', status: 500 } }])
    assert.equal(await mode(), 'lexical')
    const [found] = (await call('/search', { query: 'violinist repairing' })).body.results ?? []
    assert.match(found?.content ?? '', /violins/)
    assert.equal((await call('/healthz')).body.status, 'DEGRADED')
    double.faults.set([])
    await until('vectors to be used again', LIMIT_MS, async () => (await mode()) === 'hybrid')
    await store('written after the provider came back')
    await untilEmbedded()
    assert.equal((await call('/healthz')).body.status, 'OK')
  })
})

async function untilEmbedded(): Promise<void> {
  await until('every memory to have its vector', LIMIT_MS, async () => {
    const { items, vectors } = (await call('/query/stats')).body
    return items !== undefined && items === vectors
  })
}

/** Starts the service where it alone sees the data folder mounted so. */
function mounted(command: string): string[] {
  const user = process.getuid?.() === 0 ? [] : ['-r']
  return ['unshare', ...user, '-m', 'sh', '-ec', `${command}; shift; exec "$@"`, 'sh', databaseFolder()]
}

/** Noise over every page but the first. */
function overwrite(file: string): void {
  assert.ok(existsSync(file))
  const { size } = statSync(file)
  const descriptor = openSync(file, 'r+')
  for (let at = 4096; at < size; at += 4096) writeSync(descriptor, Buffer.alloc(2048, 0x5a), 0, 2048, at)
  closeSync(descriptor)
}
