import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { OpsError } from '../ops-error.ts'
import { stateHome } from '../state-home.ts'
import { ALLOW_LIST } from './checks/secrets.ts'
import type { PreflightOptions } from './options.ts'
import { refuseFailedPreflight } from './refuse-start.ts'
import { type CheckResult, reportOf, runCheck } from './report.ts'
import { preflightChecks, runPreflight } from './run-preflight.ts'
import { sarifOf } from './sarif.ts'
import { preflightText } from './text.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** Put together here, so that this file holds no secret itself. */
const FAKE = {
  seed: ['sk', 'test', 'secret'].join('-'),
  github: `ghp_${'aB3dE5fG7h'.repeat(4).slice(0, 36)}`,
  own: `sonia_key_${'Zx9Qw7Er5Ty3Ui1Op2As4Df'}`,
  random: ['q7Zp2LmX9vKc4RtB', '8nWs1YdF6hJg3EaT'].join(''),
}

let folder: string
let options: PreflightOptions
let home: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sonia-preflight-'))
  home = join(folder, 'home')
  for (const name of ['config/policies', 'data', 'logs', 'run/secrets']) {
    mkdirSync(join(home, name), { recursive: true, mode: 0o700 })
  }
  cpSync(join(REPOSITORY, 'config', 'policies'), join(home, 'config', 'policies'), { recursive: true })
  put('config/operator.key', 'o'.repeat(43))
  options = {
    repo: REPOSITORY,
    folders: stateHome(home),
    host: {
      env: { PATH: '/usr/bin:/bin' },
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    },
    ports: [],
    neededBytes: 1,
    bundles: [],
    history: false,
  }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function put(path: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(join(home, path)), { recursive: true, mode: 0o700 })
  writeFileSync(join(home, path), text, { mode })
  chmodSync(join(home, path), mode)
}

const config = (value: object) => put('config/sonia.json', JSON.stringify(value, null, 2))

/** A repository of its own, with these files committed. */
function repositoryWith(files: Readonly<Record<string, string>>, allowances: readonly object[] = []): string {
  const repo = join(folder, 'repo')
  const all = { ...files, [ALLOW_LIST]: JSON.stringify(allowances) }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(repo, path)), { recursive: true })
    writeFileSync(join(repo, path), text)
  }
  git(repo, 'init', '-q')
  commit(repo)
  return repo
}

function git(repo: string, ...args: string[]): void {
  const identity = [
    '-c',
    'user.name=test',
    '-c',
    'user.email=test@example.invalid',
    '-c',
    'commit.gpgsign=false',
  ]
  execFileSync('git', [...identity, ...args], { cwd: repo, stdio: 'ignore' })
}

function commit(repo: string): void {
  git(repo, 'add', '-A')
  git(repo, 'commit', '-q', '-m', 'state')
}

async function resultOf(id: string, changes: Partial<PreflightOptions> = {}): Promise<CheckResult> {
  const check = preflightChecks({ ...options, ...changes }).find((one) => one.id === id)
  assert.ok(check !== undefined, `there is no check ${id}`)
  return runCheck(check)
}

async function finds(id: string, complaint: RegExp, changes: Partial<PreflightOptions> = {}): Promise<void> {
  const { outcome, findings } = await resultOf(id, changes)
  assert.equal(outcome, 'fail', JSON.stringify(findings))
  assert.match(findings.map(({ path, message }) => `${path} ${message}`).join('\n'), complaint)
}

async function passes(id: string, changes: Partial<PreflightOptions> = {}): Promise<void> {
  const { outcome, findings } = await resultOf(id, changes)
  assert.equal(outcome, 'pass', JSON.stringify(findings))
}

test("the seed's own example is found: a secret as a literal in the configuration", async () => {
  config({ secrets: { api_key: FAKE.seed } })
  await finds('secrets-configuration', /sonia\.json a literal under the key "api_key"/)
})

for (const key of [
  'password',
  'auth_token',
  'clientSecret',
  'private_key',
  'API-KEY',
  'db_passwd',
  'credentials',
]) {
  test(`a literal under ${key} is found, in JSON, in a list, in YAML and in an env file`, async () => {
    config({ [key]: 'hunter2' })
    await finds('secrets-configuration', /a literal under the key/)
    config({ nested: [{ [key]: ['hunter2'] }] })
    await finds('secrets-configuration', /a literal under the key/)
    config({})
    const yaml = repositoryWith({ 'deploy/values.yaml': `a:\n  - ${key}: hunter2\n` })
    await finds('secrets-tracked', /values\.yaml a literal/, { repo: yaml })
    writeFileSync(join(yaml, 'deploy/values.yaml'), '')
    writeFileSync(join(yaml, '.env.production'), `${key.replaceAll('-', '_')}=hunter2\n`)
    commit(yaml)
    await finds('secrets-tracked', /\.env\.production a literal/, { repo: yaml })
  })
}

test('references, empty values and keys that only speak about secrets pass', async () => {
  config({
    api_key: 'env:PATH',
    token: '',
    max_tokens: 4096,
    token_seconds: '300',
    secret_file: '/run/secret',
    api_keys: [{ name: 'phone', sha256: 'a'.repeat(64) }],
    public_key: 'anything',
  })
  await passes('secrets-configuration')
  const repo = repositoryWith({ 'compose.yaml': 'password: ${GRAFANA_PASSWORD}\n' })
  await passes('secrets-tracked', { repo })
})

test('text in the shape of a token is found in tracked files, and never shown', async () => {
  const repo = repositoryWith({
    'src/a.ts': `const a = '${FAKE.github}'\n`,
    'src/b.ts': `\n\n// ${FAKE.own}\n`,
  })
  const { outcome, findings } = await resultOf('secrets-tracked', { repo })
  assert.equal(outcome, 'fail')
  const places = findings.filter(({ level }) => level === 'error').map(({ path, line }) => `${path}:${line}`)
  assert.deepEqual(places.toSorted(), ['src/a.ts:1', 'src/b.ts:3'])
  const report = reportOf([await resultOf('secrets-tracked', { repo })])
  for (const text of [preflightText(report), JSON.stringify(report), JSON.stringify(sarifOf(report, '1'))]) {
    assert.ok(!text.includes(FAKE.github) && !text.includes(FAKE.own))
  }
})

test('a secret that was committed and removed again is found in the history', async () => {
  const repo = repositoryWith({ 'notes.txt': FAKE.github })
  rmSync(join(repo, 'notes.txt'))
  commit(repo)
  await passes('secrets-tracked', { repo })
  await finds('secrets-history', /notes\.txt looks like a secret/, { repo, history: true })
})

test("this installation's own keys are found in a log and in a bundle, byte for byte, and no list excuses them", async () => {
  const secret = 's'.repeat(10) + FAKE.random
  put('run/secrets/openclaw', secret)
  put('logs/openclaw.log', `{"message":"started with ${secret}"}\n`)
  await finds('secrets-logs', /openclaw\.log holds a secret of this installation/)
  rmSync(join(home, 'logs', 'openclaw.log'))
  const bundle = join(folder, 'bundle')
  mkdirSync(bundle)
  writeFileSync(join(bundle, 'report.html'), 'o'.repeat(43))
  await finds('secrets-bundles', /report\.html holds a secret/, { bundles: [bundle] })
  const repo = repositoryWith({ 'a.txt': secret }, [
    { path: '**', rules: ['structural', 'shape', 'entropy'], reason: 'an excuse for everything there is' },
  ])
  await finds('secrets-tracked', /a\.txt holds a secret/, { repo })
})

test('a word that looks random is a warning, and an excuse needs a reason and something to excuse', async () => {
  const files = { 'src/a.ts': `const id = '${FAKE.random}'\n` }
  const excuse = { path: 'src/a.ts', rules: ['entropy'], reason: 'an identifier that was drawn at random' }
  const warned = await resultOf('secrets-tracked', { repo: repositoryWith(files) })
  assert.equal(warned.outcome, 'warn', JSON.stringify(warned))
  rmSync(join(folder, 'repo'), { recursive: true })
  await passes('secrets-tracked', { repo: repositoryWith(files, [excuse]) })
  rmSync(join(folder, 'repo'), { recursive: true })
  await finds('secrets-tracked', /lacks a path, known rules or a reason/, {
    repo: repositoryWith(files, [{ ...excuse, reason: 'because' }]),
  })
  rmSync(join(folder, 'repo'), { recursive: true })
  const idle = await resultOf('secrets-tracked', {
    repo: repositoryWith({ 'src/a.ts': 'const id = 1\n' }, [excuse]),
  })
  assert.match(idle.findings[0]?.message ?? '', /nothing is found any more/)
})

test('placeholders and references to nothing are found', async () => {
  config({ sandbox_root: '<your folder>', provider: { api_key: 'env:NO_SUCH_VARIABLE' } })
  await finds('settings', /sandbox_root was left.*\n.*provider\.api_key refers to env:NO_SUCH_VARIABLE/)
  config({ api_key: 'file:/no/such/file' })
  await finds('settings', /file:\/no\/such\/file, which is absent/)
  put('config/sonia.json', '{')
  await finds('settings', /not valid JSON/)
})

test('an open bind needs keys or TLS', async () => {
  config({ bind: '0.0.0.0' })
  await finds('settings', /neither api_keys nor tls/)
  config({ bind: '0.0.0.0', api_keys: [{ name: 'phone', sha256: 'a'.repeat(64) }] })
  await passes('settings')
})

test('a secret that others can read is found, wherever secrets lie', async () => {
  await passes('file-modes')
  for (const path of [
    'config/operator.key',
    'run/secrets/openclaw',
    'data/eva-os/keys/one.json',
    'config/tls/site.pem',
  ]) {
    put(path, 'x', 0o640)
    await finds('file-modes', /has mode 0640; chmod 600/)
    chmodSync(join(home, path), 0o600)
  }
  const outside = join(folder, 'provider-key')
  writeFileSync(outside, 'x', { mode: 0o644 })
  config({ api_key: `file:${outside}` })
  await finds('file-modes', /provider-key holds a secret and has mode 0644/)
})

test('files that others can change, and links, are found', async () => {
  put('config/sonia.json', '{}', 0o666)
  await finds('file-modes', /sonia\.json can be changed by group or others/)
  chmodSync(join(home, 'config', 'sonia.json'), 0o600)
  chmodSync(join(home, 'data'), 0o777)
  await finds('file-modes', /data can be changed/)
  chmodSync(join(home, 'data'), 0o700)
  symlinkSync('/etc/hostname', join(home, 'config', 'link'))
  await finds('file-modes', /link is a symbolic link/)
})

test("a policy that eva-os would not take is found, by eva-os' own rules", async () => {
  await passes('policies')
  put('config/policies/zz-late.json', '{"description":"x","default":"allow","rules":[]}')
  await finds('policies', /zz-late\.json/)
})

test('a certificate that ends within 14 days, or whose key is another, is found', async () => {
  const make = (name: string, days: number) => {
    const paths = { cert: join(home, 'config', `${name}.pem`), key: join(home, 'config', `${name}.key`) }
    const subject = ['-subj', '/CN=localhost', '-days', String(days)]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const files = ['-keyout', paths.key, '-out', paths.cert]
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, ...files], { stdio: 'ignore' })
    return paths
  }
  const [short, long] = [make('short', 10), make('long', 30)]
  const tls = (cert_file: string, key_file: string) => config({ tls: { cert_file, key_file } })
  tls(short.cert, short.key)
  await finds('tls-files', /ends in (?:9|10)\.\d days/)
  tls(long.cert, short.key)
  await finds('tls-files', /not the key of the certificate/)
  tls(long.cert, long.key)
  await passes('tls-files')
  config({ tls: { cert_file: long.cert } })
  await finds('tls-files', /needs cert_file and key_file/)
})

test('a taken port is found, with who holds it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  try {
    await finds('ports', new RegExp(`port ${port} is held by pid ${process.pid}`), { ports: [port] })
  } finally {
    server.close()
  }
})

test('too little room is found', async () => {
  await finds('disk-space', /MiB needed/, { neededBytes: Number.MAX_SAFE_INTEGER })
})

test('a start is refused with the findings, and not begun, where preflight fails', async () => {
  const repo = repositoryWith({ 'readme.md': 'nothing' })
  config({ api_key: FAKE.seed })
  await assert.rejects(refuseFailedPreflight({ ...options, repo }), (error) => {
    assert.ok(error instanceof OpsError)
    assert.equal(error.exitCode, 65)
    assert.match(error.message, /config\/sonia\.json:2: a literal under the key "api_key"/)
    return !error.message.includes(FAKE.seed)
  })
})

test('a clean home passes, every check is listed with its outcome, and SARIF names each', async () => {
  config({ bind: '127.0.0.1' })
  const repo = repositoryWith({ 'readme.md': 'nothing' })
  const clean = await runPreflight(options)
  const failed = clean.checks.filter(({ outcome }) => outcome === 'fail')
  // Tracked files of the repository at hand may be in the middle of a change; they have a check of their own in CI.
  assert.deepEqual(
    failed.filter(({ id }) => id !== 'secrets-tracked' && id !== 'versions'),
    [],
  )
  assert.equal(clean.checks.length, 12)
  const sarif = sarifOf(await runPreflight({ ...options, repo }), '1.0.0') as {
    runs: { results: { ruleId: string }[]; tool: { driver: { rules: object[] } } }[]
  }
  assert.equal(sarif.runs[0]?.tool.driver.rules.length, 12)
  assert.equal(new Set(sarif.runs[0]?.results.map(({ ruleId }) => ruleId)).size, 12)
})
