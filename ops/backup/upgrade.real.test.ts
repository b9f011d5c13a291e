import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { after, test } from 'node:test'
import Database from 'better-sqlite3'
import { request } from 'undici'
import { CATALOG, portAt, STATE_DATABASES } from '#catalog'
import { REPO } from '../fixtures/test-host.ts'
import { stateFiles } from './state-files.ts'
import { realFileSystem } from './file-system.ts'

const PORT_BASE = 27_300
const WORDS = 'the harbour lights of the older version'
const ended: (() => void)[] = []
after(() => {
  for (const end of ended.toReversed()) end()
})

function temporary(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name))
  ended.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Answer {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command line of a program, in a process of its own. */
function run(repository: string, home: string, ...args: readonly string[]): Answer {
  const own = {
    PATH: env['PATH'] ?? '',
    NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'],
    SONIA_HOME: home,
    NO_COLOR: '1',
  }
  const command = [join(repository, 'gates', 'main.ts'), ...args]
  return spawnSync(process.execPath, command, { env: own, encoding: 'utf8', cwd: repository })
}

function done(answer: Answer): Answer {
  assert.equal(answer.status, 0, `${answer.stdout}${answer.stderr}`)
  return answer
}

function up(repository: string, home: string): Answer {
  return run(repository, home, 'up', '--port-base', String(PORT_BASE))
}

/** This program as it will be one version later: one more migration of the memories. */
function newerProgram(): string {
  const repository = temporary('sonia-newer-')
  const folders = ['bench', 'config', 'gates', 'ops', 'otel', 'prometheus', 'services', 'tools', 'grafana']
  for (const name of [...folders, 'package.json', 'package-lock.json'])
    cpSync(join(REPO, name), join(repository, name), { recursive: true })
  symlinkSync(join(REPO, 'node_modules'), join(repository, 'node_modules'))
  mkdirSync(join(repository, '.tools'))
  // Compiled code is kept for one version at a time: each program has its own.
  for (const name of readdirSync(join(REPO, '.tools')).filter((part) => part !== 'compile-cache'))
    symlinkSync(join(REPO, '.tools', name), join(repository, '.tools', name))
  edit(join(repository, 'services', 'catalog.ts'), 'schemaVersion: 3', 'schemaVersion: 4')
  edit(
    join(repository, 'services', 'memory-engine', 'database', 'migrations.ts'),
    /^\]$/m,
    "  'ALTER TABLE memories ADD COLUMN mood TEXT',\n]",
  )
  return repository
}

function edit(path: string, from: string | RegExp, to: string): void {
  const before = readFileSync(path, 'utf8')
  const edited = before.replace(from, to)
  assert.notEqual(edited, before, `${path} has no ${String(from)}`)
  writeFileSync(path, edited)
}

async function ask(home: string, path: string, body: object): Promise<Record<string, unknown>> {
  const at = (service: 'memory-engine' | 'eva-os') =>
    `http://127.0.0.1:${portAt(CATALOG[service].port, PORT_BASE)}`
  const secret = readFileSync(join(home, 'run', 'secrets', 'api-gateway'), 'utf8')
  const token = await post(
    `${at('eva-os')}/v1/tokens`,
    { audience: 'memory-engine' },
    {
      'x-service-name': 'api-gateway',
      'x-bootstrap-secret': secret,
    },
  )
  return post(`${at('memory-engine')}${path}`, body, { 'x-service-token': String(token['token']) })
}

async function post(url: string, body: object, headers: Record<string, string>) {
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
    // The next answer may come from another process on the same port.
    reset: true,
  })
  assert.equal(answer.statusCode, 200, url)
  return (await answer.body.json()) as Record<string, unknown>
}

async function isFound(home: string): Promise<boolean> {
  const { results } = await ask(home, '/search', { query: 'harbour lights' })
  return (results as readonly { content: string }[]).some(({ content }) => content === WORDS)
}

function schemaOf(home: string): number {
  const database = new Database(join(home, 'data', 'memory', 'sonia.db'), { readonly: true })
  try {
    return Number(database.pragma('user_version', { simple: true }))
  } finally {
    database.close()
  }
}

interface Listed {
  readonly id: string
  readonly verified: boolean
}

function backups(home: string): readonly Listed[] {
  const { stdout } = done(run(REPO, home, 'backups', '--json'))
  return (JSON.parse(stdout) as { backups: readonly Listed[] }).backups
}

test('an older state is backed up before its migration, a newer one is refused, and the way back leads back', async () => {
  const home = temporary('sonia-upgrade-')
  const newer = newerProgram()
  ended.push(() => void run(newer, home, 'down'))
  done(up(REPO, home))
  await ask(home, '/store', { type: 'turn', content: WORDS })
  for (const path of databasesOf(home))
    assert.ok(
      STATE_DATABASES.some((known) => known.path === path),
      path,
    )
  assert.deepEqual(backups(home), [], 'nothing was to be migrated at the first start')
  done(run(REPO, home, 'down'))

  assert.match(done(up(newer, home)).stderr, /backing up before data\/memory\/sonia\.db is migrated/)
  assert.equal(await isFound(home), true)
  assert.equal(schemaOf(home), 4)
  const [wayBack, ...more] = backups(home)
  assert.ok(wayBack?.verified === true && more.length === 0)
  done(run(newer, home, 'down'))

  const refused = up(REPO, home)
  assert.equal(refused.status, 65)
  assert.match(
    refused.stderr,
    /STATE_NEWER: the state folder comes from a newer version: data\/memory\/sonia\.db has schema 4, this version knows 3/,
  )
  assert.equal(schemaOf(home), 4, 'a refused state is not touched')
  done(run(newer, home, 'backup'))
  const tooNew = run(REPO, home, 'restore', backups(home).at(-1)?.id ?? '')
  assert.equal(tooNew.status, 65)
  assert.match(tooNew.stderr, /SCHEMA_NEWER: the backup comes from a newer version/)

  done(run(REPO, home, 'restore', wayBack.id))
  assert.equal(schemaOf(home), 3)
  done(up(REPO, home))
  assert.equal(await isFound(home), true)
  done(run(REPO, home, 'down'))
})

/** Databases of a used state folder: each must be known to the catalogue, or its migration would come unannounced. */
function databasesOf(home: string): readonly string[] {
  const paths = stateFiles(home, realFileSystem).filter(({ role }) => role === 'database')
  assert.equal(paths.length, STATE_DATABASES.length)
  for (const { path, schemaVersion } of STATE_DATABASES) {
    const database = new Database(join(home, path), { readonly: true })
    assert.equal(Number(database.pragma('user_version', { simple: true })), schemaVersion, path)
    database.close()
  }
  return paths.map(({ path }) => path)
}

test('where the backup before a migration fails, nothing is started and nothing is migrated', () => {
  const home = temporary('sonia-upgrade-')
  const path = join(home, 'data', 'memory', 'sonia.db')
  cpSync(join(REPO, 'config'), join(home, 'config'), { recursive: true })
  realFileSystem.makeFolder(join(home, 'data', 'memory'))
  const database = new Database(path)
  database.exec(
    'CREATE TABLE memories (seq INTEGER PRIMARY KEY, content TEXT, created_at_ms INTEGER); PRAGMA user_version = 2',
  )
  database.close()
  // A file stands where the folder of the backups would be.
  writeFileSync(
    join(home, 'config', 'sonia.json'),
    JSON.stringify({ backup: { folder: join(path, 'inside') } }),
  )
  const refused = up(REPO, home)
  assert.equal(refused.status, 69, refused.stderr)
  assert.match(refused.stderr, /IO_ERROR/)
  assert.equal(schemaOf(home), 2)
})
