import assert from 'node:assert/strict'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type MemoryService, type Reply, startMemoryEngine } from '../testing.ts'
import { APPLICATION_ID, MIGRATIONS } from './migrations.ts'
import { isOlder } from './open-database.ts'

const FACT = { type: 'fact', content: 'the mongoose dances' }

function newHome(t: TestContext): { readonly home: string; readonly file: string } {
  const home = mkdtempSync(join(tmpdir(), 'sonia-memory-'))
  const file = join(home, 'data', 'memory', 'sonia.db')
  mkdirSync(dirname(file), { recursive: true })
  t.after(() => rmSync(home, { recursive: true, force: true }))
  return { home, file }
}

async function start(t: TestContext, home: string, config: object = {}): Promise<MemoryService> {
  const memory = await startMemoryEngine({ home, config: { busy_timeout_ms: 50, ...config } })
  t.after(() => memory.stop())
  return memory
}

function outcome({ status, body }: Reply): string {
  return `${status} ${body.error?.code ?? 'OK'} ${reasonOf(body)}`.trim()
}

function reasonOf({ error }: Reply['body']): string {
  const reason = error?.details?.['reason']
  return typeof reason === 'string' ? reason : ''
}

async function health(memory: MemoryService): Promise<string> {
  const [alive, ready] = [await memory.app.inject('/healthz'), await memory.app.inject('/readyz')]
  return `healthz ${alive.statusCode}, readyz ${ready.statusCode}`
}

/** The writer looks at a database that failed once a second. */
async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    if (await check()) return
    await pause(100)
  }
  assert.fail('did not come true within 6 s')
}

test('a database of a newer version is left alone; the service lives and says so', async (t) => {
  const { home, file } = newHome(t)
  const newer = new Database(file)
  newer.exec(`CREATE TABLE future (x); PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${MIGRATIONS.length + 1}`)
  newer.close()
  const before = readFileSync(file)
  const memory = await start(t, home)
  assert.equal(outcome(await memory.call('POST', '/store', FACT)), '503 UNAVAILABLE DATABASE_NEWER')
  assert.equal(await health(memory), 'healthz 200, readyz 503')
  await memory.stop()
  assert.deepEqual(readFileSync(file), before)
})

test('a database of another program is left alone', async (t) => {
  const { home, file } = newHome(t)
  const foreign = new Database(file)
  foreign.exec('CREATE TABLE theirs (x)')
  foreign.close()
  const memory = await start(t, home)
  assert.equal(outcome(await memory.call('POST', '/store', FACT)), '503 UNAVAILABLE DATABASE_FOREIGN')
  await memory.stop()
  const afterwards = new Database(file)
  assert.deepEqual(afterwards.prepare('SELECT name FROM sqlite_schema').pluck().all(), ['theirs'])
  afterwards.close()
})

test('a locked database: 503, nothing is lost, and service goes on when the lock is gone', async (t) => {
  const { home, file } = newHome(t)
  const memory = await start(t, home)
  const kept = (await memory.call('POST', '/store', FACT)).body.id
  const other = new Database(file)
  other.exec('BEGIN IMMEDIATE')
  assert.equal(outcome(await memory.call('POST', '/store', FACT)), '503 UNAVAILABLE DATABASE_LOCKED')
  assert.equal((await memory.call('GET', `/recall/${kept}`)).status, 200, 'reading goes on')
  assert.equal((await memory.app.inject('/healthz')).statusCode, 200)
  other.exec('ROLLBACK')
  other.close()
  assert.equal((await memory.call('POST', '/store', FACT)).status, 200)
  assert.equal((await memory.call('GET', '/query/stats')).body.items, 2)
})

test('a full database: 503, reading and forgetting go on, and so does writing after room was made', async (t) => {
  const { home } = newHome(t)
  const memory = await start(t, home, { database_bytes_max: 400_000 })
  const ids: string[] = []
  let last: Reply | undefined
  for (let n = 0; n < 200 && (last === undefined || last.status === 200); n++) {
    last = await memory.call('POST', '/store', { type: 'fact', content: `filler${n} ${'x'.repeat(10_000)}` })
    if (last.status === 200) ids.push(last.body.id)
  }
  assert.equal(last === undefined ? 'never full' : outcome(last), '503 UNAVAILABLE DATABASE_FULL')
  assert.ok(ids.length > 5)
  for (const id of ids)
    assert.equal((await memory.call('GET', `/recall/${id}`)).status, 200, 'acknowledged and lost')
  assert.equal((await memory.app.inject('/healthz')).statusCode, 200)
  for (const id of ids.slice(0, 10)) assert.equal((await memory.call('DELETE', `/recall/${id}`)).status, 200)
  assert.equal((await memory.call('POST', '/store', FACT)).status, 200)
  const found = await memory.call('POST', '/search', { query: 'mongoose' })
  assert.equal(found.body.count, 1)
})

test('a corrupt database: 500 with its reason, the service lives', async (t) => {
  const { home, file } = newHome(t)
  const first = await start(t, home)
  for (let n = 0; n < 50; n++)
    await first.call('POST', '/store', { type: 'fact', content: `entry ${n} ${'y'.repeat(500)}` })
  await first.stop()
  overwrite(file, 4096)
  const memory = await start(t, home)
  const answers = [
    await memory.call('POST', '/search', { query: 'entry' }),
    await memory.call('GET', '/query/stats'),
    await memory.call('POST', '/store', FACT),
  ].map(outcome)
  assert.ok(answers.includes('500 INTERNAL_ERROR DATABASE_CORRUPT'), answers.join('; '))
  assert.ok(
    answers.every((answer) => !answer.startsWith('200')),
    answers.join('; '),
  )
  assert.equal((await memory.app.inject('/healthz')).statusCode, 200)
})

test('a file that is no database: 500 with its reason, and the file is not touched', async (t) => {
  const { home, file } = newHome(t)
  const descriptor = openSync(file, 'w')
  writeSync(descriptor, 'this is a text, and not a database at all. '.repeat(200))
  closeSync(descriptor)
  const before = readFileSync(file)
  const memory = await start(t, home)
  assert.equal(outcome(await memory.call('POST', '/store', FACT)), '500 INTERNAL_ERROR DATABASE_CORRUPT')
  assert.equal(await health(memory), 'healthz 200, readyz 503')
  assert.deepEqual(readFileSync(file), before)
})

test('a database that was repaired is taken up again without a restart', async (t) => {
  const { home, file } = newHome(t)
  const descriptor = openSync(file, 'w')
  writeSync(descriptor, 'not a database at all. '.repeat(300))
  closeSync(descriptor)
  const memory = await start(t, home)
  assert.equal((await memory.call('POST', '/store', FACT)).status, 500)
  rmSync(file)
  await eventually(async () => (await memory.call('POST', '/store', FACT)).status === 200)
  assert.equal(await health(memory), 'healthz 200, readyz 200')
})

test('the database is readable by its owner alone', async (t) => {
  const { home, file } = newHome(t)
  const memory = await start(t, home)
  await memory.call('POST', '/store', FACT)
  for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(name).mode & 0o077, 0, name)
})

test('a step of migration that fails leaves the version and the tables before it', async (t) => {
  const { migrate } = await import('./migrate.ts')
  const { file } = newHome(t)
  const db = new Database(file)
  t.after(() => db.close())
  const steps = ['CREATE TABLE a (x INT) STRICT', 'CREATE TABLE b (x INT) STRICT; SELECT nonsense(1)']
  assert.throws(() => migrate(db, steps), /no such function/)
  assert.equal(db.pragma('user_version', { simple: true }), 1)
  assert.deepEqual(db.prepare('SELECT name FROM sqlite_schema').pluck().all(), ['a'])
  migrate(db, ['CREATE TABLE a (x INT) STRICT', 'CREATE TABLE b (x INT) STRICT'])
  assert.equal(db.pragma('user_version', { simple: true }), 2)
})

test('SQLite versions are compared number by number', () => {
  assert.equal(isOlder('3.9.0', '3.51.3'), true)
  assert.equal(isOlder('3.51.2', '3.51.3'), true)
  assert.equal(isOlder('3.51.3', '3.51.3'), false)
  assert.equal(isOlder('3.54.1', '3.51.3'), false)
  assert.equal(isOlder('4.0', '3.51.3'), false)
})

/** Noise over every page but the first `from` bytes. */
function overwrite(file: string, from: number): void {
  const { size } = statSync(file)
  const descriptor = openSync(file, 'r+')
  for (let at = from; at < size; at += 4096) writeSync(descriptor, Buffer.alloc(2048, 0x5a), 0, 2048, at)
  ftruncateSync(descriptor, size)
  closeSync(descriptor)
}
