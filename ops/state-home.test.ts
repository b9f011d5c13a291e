import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { CALLER_NAMES } from '#catalog'
import { REPO, temporaryHome } from './fixtures/test-host.ts'
import { OPS_EXIT, OpsError } from './ops-error.ts'
import { serviceEnvironment } from './service-programs.ts'
import { emptyTemporaryFolder, prepareHome, temporaryFolder, writeBootstrapSecrets } from './state-home.ts'

const NOBODY = 65_534

const mode = (path: string) => statSync(path).mode & 0o777

function refusal(exitCode: number, message: RegExp) {
  return (error: unknown) =>
    error instanceof OpsError && error.exitCode === exitCode && message.test(error.message)
}

/** A repository with configuration defaults of its own. */
function repositoryWith(root: string, files: Readonly<Record<string, string>>): string {
  const repo = join(root, 'repository')
  mkdirSync(join(repo, 'config', 'policies'), { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(repo, 'config', name), content)
  return repo
}

test('a file in place of the state folder is refused', (t) => {
  const home = join(temporaryHome(t), 'file')
  writeFileSync(home, '')
  assert.throws(() => prepareHome({ home, repo: REPO }), refusal(OPS_EXIT.unavailable, /a file stands/))
})

test('a place where the file system makes no folders is refused', { timeout: 10_000 }, () => {
  assert.throws(
    () => prepareHome({ home: '/proc/nothing/state', repo: REPO }),
    refusal(OPS_EXIT.unavailable, /no folder can be made there/),
  )
})

test('a disk with too little room is refused before anything is written into the configuration', (t) => {
  const home = temporaryHome(t)
  const minFreeBytes = 2 ** 60
  assert.throws(
    () => prepareHome({ home, repo: REPO, minFreeBytes }),
    refusal(OPS_EXIT.unavailable, /disk full/),
  )
  assert.deepEqual(readdirSync(join(home, 'config')), [])
})

test('a configuration that is no JSON, no object or no file is refused as bad input', (t) => {
  for (const content of ['{', '[]', '7', '', 'null']) {
    const home = temporaryHome(t)
    mkdirSync(join(home, 'config'))
    writeFileSync(join(home, 'config', 'sonia.json'), content)
    assert.throws(() => prepareHome({ home, repo: REPO }), refusal(OPS_EXIT.badInput, /sonia\.json/), content)
  }
  const home = temporaryHome(t)
  mkdirSync(join(home, 'config', 'sonia.json'), { recursive: true })
  assert.throws(
    () => prepareHome({ home, repo: REPO }),
    refusal(OPS_EXIT.badInput, /sonia\.json is a folder, not a file/),
  )
})

/** Root may write anywhere, so rights are tried as somebody else. */
function prepareAsNobody(home: string): { exitCode: number; message: string } {
  const module = pathToFileURL(join(import.meta.dirname, 'state-home.ts')).href
  const script = `import { prepareHome } from ${JSON.stringify(module)}
    try { prepareHome({ home: ${JSON.stringify(home)}, repo: ${JSON.stringify(REPO)} }) } catch (error) {
      process.stdout.write(JSON.stringify({ exitCode: error.exitCode, message: error.message })) }`
  const nobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    ...nobody,
    encoding: 'utf8',
  })
  return JSON.parse(stdout) as { exitCode: number; message: string }
}

test('a state folder without write rights is refused, naming it', (t) => {
  const parent = temporaryHome(t)
  chmodSync(parent, 0o555)
  const refused = prepareAsNobody(join(parent, 'home'))
  assert.equal(refused.exitCode, OPS_EXIT.unavailable)
  assert.match(refused.message, /no permission to write/)
  assert.equal(existsSync(join(parent, 'home')), false)
})

test('an unreadable configuration is refused as bad input', (t) => {
  const home = temporaryHome(t)
  prepareHome({ home, repo: REPO })
  const ours = readdirSync(home, { recursive: true }).map((name) => join(home, String(name)))
  if (process.getuid?.() === 0) for (const path of [home, ...ours]) chownSync(path, NOBODY, NOBODY)
  writeFileSync(join(home, 'config', 'sonia.json'), '{}')
  chmodSync(join(home, 'config', 'sonia.json'), 0o000)
  const refused = prepareAsNobody(home)
  assert.equal(refused.exitCode, OPS_EXIT.badInput)
  assert.match(refused.message, /sonia\.json cannot be read: EACCES/)
})

test('the state is private to its user', (t) => {
  const home = join(temporaryHome(t), 'deep', 'home')
  const folders = prepareHome({ home, repo: REPO })
  for (const folder of Object.values(folders)) assert.equal(mode(folder), 0o700, folder)
  assert.equal(mode(join(folders.config, 'operator.key')), 0o600)
})

test('configuration defaults are copied once; what the operator edited stays', (t) => {
  const root = temporaryHome(t)
  const repo = repositoryWith(root, { 'sonia.json': '{"log_level":"INFO"}', 'policies/default.json': '{}' })
  const { config } = prepareHome({ home: join(root, 'home'), repo })
  writeFileSync(join(config, 'sonia.json'), '{"log_level":"DEBUG"}')
  writeFileSync(join(repo, 'config', 'added.json'), '{}')
  const key = readFileSync(join(config, 'operator.key'), 'utf8')
  prepareHome({ home: join(root, 'home'), repo })
  assert.equal(readFileSync(join(config, 'sonia.json'), 'utf8'), '{"log_level":"DEBUG"}')
  assert.equal(readFileSync(join(config, 'operator.key'), 'utf8'), key)
  assert.deepEqual(readdirSync(config).sort(), ['added.json', 'operator.key', 'policies', 'sonia.json'])
  assert.equal(mode(join(config, 'policies', 'default.json')), 0o600)
})

test('each run has its own bootstrap secrets, one per service and one for the supervisor, readable by their user alone', (t) => {
  const folders = prepareHome({ home: temporaryHome(t), repo: REPO })
  const read = () => CALLER_NAMES.map((name) => readFileSync(join(folders.run, 'secrets', name), 'utf8'))
  writeBootstrapSecrets(folders)
  const first = read()
  writeBootstrapSecrets(folders)
  const all = [...first, ...read()]
  assert.equal(new Set(all).size, 2 * CALLER_NAMES.length)
  assert.equal(
    all.every((secret) => Buffer.from(secret, 'base64url').length === 32),
    true,
  )
  for (const name of CALLER_NAMES) assert.equal(mode(join(folders.run, 'secrets', name)), 0o600)
})

test('what an earlier run put down for a while is gone before the next one, and nobody else may look', (t) => {
  const folders = prepareHome({ home: temporaryHome(t), repo: REPO })
  emptyTemporaryFolder(folders)
  writeFileSync(join(temporaryFolder(folders), 'profile'), '')
  emptyTemporaryFolder(folders)
  assert.deepEqual(readdirSync(temporaryFolder(folders)), [])
  assert.equal(mode(temporaryFolder(folders)), 0o700)
  const host = { env: {}, clock: { nowMs: () => 0, monotonicMs: () => 0 } }
  const environment = serviceEnvironment({ repo: REPO, host, folders, runId: 'r', portBase: 7000 })
  assert.equal(environment['TMPDIR'], temporaryFolder(folders))
})
