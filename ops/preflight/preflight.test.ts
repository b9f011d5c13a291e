import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { OpsError } from '../ops-error.ts'
import { FAKE, usePreflightScene } from './preflight-scene.ts'
import { refuseFailedPreflight } from './refuse-start.ts'
import { runPreflight } from './run-preflight.ts'
import { sarifOf } from './sarif.ts'

const scene = usePreflightScene()
const { config, finds, passes, put, repositoryWith } = scene

test('placeholders and references to nothing are found', async () => {
  config({ sandbox_root: '<your folder>', provider: { api_key: 'env:NO_SUCH_VARIABLE' } })
  await finds('settings', /sandbox_root was left.*\n.*provider\.api_key refers to env:NO_SUCH_VARIABLE/)
  config({ api_key: 'file:/no/such/file' })
  await finds('settings', /file:\/no\/such\/file, which is absent/)
  put('config/sonia.json', '{')
  await finds('settings', /not valid JSON/)
})

test('all that is wrong in sonia.json is told at once: an open bind, shared settings, sections of services and of backups', async () => {
  config({
    bind: '0.0.0.0',
    log_level: 'LOUD',
    log_levle: 'INFO',
    backup: { every_minutes: 0, every_hours: 5 },
    services: { openclaw: { tpyo: 1 }, 'eva-os': { tpyo: 2 }, openclow: {} },
  })
  const { findings } = await scene.resultOf('settings')
  assert.deepEqual(findings.map(({ message }) => message).toSorted(), [
    'backup has no setting every_hours',
    'backup/every_minutes must be >= 1',
    'bind is 0.0.0.0, but there are no api_keys',
    'log_level: must be one of DEBUG, INFO, WARN, ERROR',
    'services["eva-os"]: unknown setting "tpyo"',
    'services["openclaw"]: unknown setting "tpyo"',
    'services["openclow"]: there is no such service',
    'unknown setting "log_levle"',
  ])
})

test('an open bind needs keys: certificates tell nobody apart', async () => {
  config({ bind: '0.0.0.0' })
  await finds('settings', /there are no api_keys/)
  config({ bind: '0.0.0.0', tls: { cert_file: 'a.pem', key_file: 'b.pem' } })
  await finds('settings', /there are no api_keys/)
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
    chmodSync(join(scene.home, path), 0o600)
  }
  const outside = join(scene.folder, 'provider-key')
  writeFileSync(outside, 'x', { mode: 0o644 })
  config({ api_key: `file:${outside}` })
  await finds('file-modes', /provider-key holds a secret and has mode 0644/)
})

test('files that others can change, and links, are found', async () => {
  put('config/sonia.json', '{}', 0o666)
  await finds('file-modes', /sonia\.json can be changed by group or others/)
  chmodSync(join(scene.home, 'config', 'sonia.json'), 0o600)
  chmodSync(join(scene.home, 'data'), 0o777)
  await finds('file-modes', /data can be changed/)
  chmodSync(join(scene.home, 'data'), 0o700)
  symlinkSync('/etc/hostname', join(scene.home, 'config', 'link'))
  await finds('file-modes', /link is a symbolic link/)
})

test("a policy that eva-os would not take is found, by eva-os' own rules", async () => {
  await passes('policies')
  put('config/policies/zz-late.json', '{"description":"x","default":"allow","rules":[]}')
  await finds('policies', /zz-late\.json/)
})

test('a certificate that ends within 14 days, or whose key is another, is found', async () => {
  const make = (name: string, days: number) => {
    const paths = {
      cert: join(scene.home, 'config', `${name}.pem`),
      key: join(scene.home, 'config', `${name}.key`),
    }
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
  await assert.rejects(refuseFailedPreflight({ ...scene.options, repo }), (error) => {
    assert.ok(error instanceof OpsError)
    assert.equal(error.exitCode, 65)
    assert.match(error.message, /config\/sonia\.json:2: a literal under the key "api_key"/)
    return !error.message.includes(FAKE.seed)
  })
})

test('a clean home passes, every check is listed with its outcome, and SARIF names each', async () => {
  config({ bind: '127.0.0.1' })
  const repo = repositoryWith({ 'readme.md': 'nothing' })
  const clean = await runPreflight(scene.options)
  const failed = clean.checks.filter(({ outcome }) => outcome === 'fail')
  // Tracked files of the repository at hand may be in the middle of a change; they have a check of their own in CI.
  assert.deepEqual(
    failed.filter(({ id }) => id !== 'secrets-tracked' && id !== 'versions'),
    [],
  )
  assert.equal(clean.checks.length, 12)
  const sarif = sarifOf(await runPreflight({ ...scene.options, repo }), '1.0.0') as {
    runs: { results: { ruleId: string }[]; tool: { driver: { rules: object[] } } }[]
  }
  assert.equal(sarif.runs[0]?.tool.driver.rules.length, 12)
  assert.equal(new Set(sarif.runs[0]?.results.map(({ ruleId }) => ruleId)).size, 12)
})

/** What the published schema of SARIF 2.1.0 demands of the parts that are used here. */
test('SARIF is as its schema wants it: versions, levels, kinds, places', async () => {
  config({ api_key: FAKE.seed })
  const repo = repositoryWith({ 'a folder/a%b.ts': `const a = '${FAKE.github}'\n` })
  const sarif = sarifOf(await runPreflight({ ...scene.options, repo }), '1.0.0') as unknown as SarifLog
  assert.deepEqual([sarif.version, sarif.runs.length], ['2.1.0', 1])
  const [run] = sarif.runs
  assert.deepEqual(Object.keys(run ?? {}).toSorted(), ['invocations', 'results', 'tool'])
  const rules = new Set(run?.tool.driver.rules.map(({ id }) => id))
  const results = run?.results ?? []
  for (const { ruleId, kind, level, message } of results) {
    assert.ok(rules.has(ruleId) && message.text.length > 0)
    const levels = kind === 'fail' ? ['error', 'warning'] : ['none']
    assert.ok(['pass', 'notApplicable', 'fail'].includes(kind) && levels.includes(level), `${kind} ${level}`)
  }
  const places = results.flatMap(({ locations = [] }) => locations.map((one) => one.physicalLocation))
  for (const { artifactLocation, region } of places) {
    assert.match(artifactLocation.uri, /^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+$/)
    assert.ok(Number.isInteger(region?.startLine ?? 1))
  }
  assert.ok(places.some(({ artifactLocation }) => artifactLocation.uri === 'a%20folder/a%25b.ts'))
})

interface SarifLog {
  readonly version: string
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } }
    readonly results: readonly {
      readonly ruleId: string
      readonly kind: string
      readonly level: string
      readonly message: { readonly text: string }
      readonly locations?: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string }
          readonly region?: { readonly startLine: number }
        }
      }[]
    }[]
  }[]
}
