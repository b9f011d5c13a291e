import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commit, FAKE, usePreflightScene } from './preflight-scene.ts'
import { reportOf } from './report.ts'
import { sarifOf } from './sarif.ts'
import { preflightText } from './text.ts'

const scene = usePreflightScene()
const { config, finds, passes, put, repositoryWith, resultOf } = scene

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
  rmSync(join(scene.home, 'logs', 'openclaw.log'))
  const bundle = join(scene.folder, 'bundle')
  mkdirSync(bundle)
  writeFileSync(join(bundle, 'report.html'), 'o'.repeat(43))
  await finds('secrets-bundles', /report\.html holds a secret/, { bundles: [bundle] })
  const repo = repositoryWith({ 'a.txt': secret }, [
    { path: '**', rules: ['structural', 'shape', 'entropy'], reason: 'an excuse for everything there is' },
  ])
  await finds('secrets-tracked', /a\.txt holds a secret/, { repo })
})

test('the fingerprint of a public key is no secret, and a character more makes it one', async () => {
  const digest = FAKE.random.padEnd(43, 'aB3').slice(0, 43)
  await passes('secrets-tracked', { repo: repositoryWith({ 'a.md': `signed by SHA256:${digest}\n` }) })
  rmSync(join(scene.folder, 'repo'), { recursive: true })
  const longer = await resultOf('secrets-tracked', {
    repo: repositoryWith({ 'a.md': `SHA256:${digest}x\n` }),
  })
  assert.equal(longer.outcome, 'warn')
})

test('a public key is no secret, in PEM or as an OpenSSH line; what stands beside it still is one', async () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const blob = `AAAAC3NzaC1lZDI1NTE5AAAAI${FAKE.random.padEnd(43, 'aB3').slice(0, 43)}`
  const keys = `${pem}admin namespaces="a" ssh-ed25519 ${blob} comment\n`
  await passes('secrets-tracked', { repo: repositoryWith({ 'a.pub': keys }) })
  rmSync(join(scene.folder, 'repo'), { recursive: true })
  const beside = await resultOf('secrets-tracked', {
    repo: repositoryWith({ 'a.pub': `${keys}${FAKE.random}\n` }),
  })
  assert.deepEqual([beside.outcome, beside.findings[0]?.line], ['warn', 5])
})

test('a word that looks random is a warning, and an excuse needs a reason and something to excuse', async () => {
  const files = { 'src/a.ts': `const id = '${FAKE.random}'\n` }
  const excuse = { path: 'src/a.ts', rules: ['entropy'], reason: 'an identifier that was drawn at random' }
  const warned = await resultOf('secrets-tracked', { repo: repositoryWith(files) })
  assert.equal(warned.outcome, 'warn', JSON.stringify(warned))
  rmSync(join(scene.folder, 'repo'), { recursive: true })
  await passes('secrets-tracked', { repo: repositoryWith(files, [excuse]) })
  rmSync(join(scene.folder, 'repo'), { recursive: true })
  await finds('secrets-tracked', /lacks a path, known rules or a reason/, {
    repo: repositoryWith(files, [{ ...excuse, reason: 'because' }]),
  })
  rmSync(join(scene.folder, 'repo'), { recursive: true })
  const idle = await resultOf('secrets-tracked', {
    repo: repositoryWith({ 'src/a.ts': 'const id = 1\n' }, [excuse]),
  })
  assert.match(idle.findings[0]?.message ?? '', /nothing is found any more/)
})
