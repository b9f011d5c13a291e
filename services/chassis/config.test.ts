import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Type } from 'typebox'
import { ConfigError, loadConfig, sharedSettings } from './config.ts'
import { createSecretReader } from './secrets.ts'

const root = mkdtempSync(join(tmpdir(), 'sonia-config-'))
after(() => rmSync(root, { recursive: true, force: true }))

const schema = Type.Object(
  {
    limit: Type.Integer({ default: 5, minimum: 1 }),
    name: Type.Optional(Type.String()),
    nested: Type.Object(
      { on: Type.Boolean({ default: true }) },
      { default: {}, additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)

let count = 0
function load(text: string | undefined, override?: object) {
  count += 1
  const home = join(root, String(count))
  mkdirSync(join(home, 'config'), { recursive: true })
  if (text !== undefined) writeFileSync(join(home, 'config', 'sonia.json'), text)
  return loadConfig({ home, name: 'openclaw', override }, schema)
}

function problemsOf(text: string): readonly string[] {
  try {
    load(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

test('a file that is no JSON, or no object, is one problem', () => {
  assert.equal(problemsOf('{"bind": ').length, 1)
  assert.ok(problemsOf('[]').length > 0)
  assert.ok(problemsOf('null').length > 0)
})

test('a pipe or a folder in place of the file is one problem, and nobody waits for it', () => {
  const makes: readonly ((path: string) => unknown)[] = [
    (path) => execFileSync('mkfifo', [path]),
    (path) => mkdirSync(path),
  ]
  for (const [index, make] of makes.entries()) {
    const home = join(root, `odd-${index}`)
    mkdirSync(join(home, 'config'), { recursive: true })
    make(join(home, 'config', 'sonia.json'))
    assert.throws(
      () => loadConfig({ home, name: 'openclaw' }, schema),
      (error: unknown) =>
        error instanceof ConfigError && /not a file: .*sonia\.json/.test(error.problems.join()),
    )
  }
})

test('a log level that there is none of names those that there are, once', () => {
  for (const log_level of ['LOUD', 7])
    assert.deepEqual(problemsOf(JSON.stringify({ log_level })), [
      'sonia.json/log_level: must be one of DEBUG, INFO, WARN, ERROR',
    ])
})

test('settings for a service that does not exist are refused, not left unread', () => {
  assert.deepEqual(problemsOf('{"services": {"openclow": {"limit": 1}}}'), [
    'sonia.json services["openclow"]: there is no such service',
  ])
})

test('all problems are reported at once, each with its place', () => {
  const problems = problemsOf(
    JSON.stringify({
      log_level: 'LOUD',
      bind: '',
      log_levle: 'INFO',
      api_keys: [{ name: 'A B', sha256: 'short' }],
      services: { openclaw: { limit: 0, tpyo: 1, nested: { on: 'yes' } } },
    }),
  )
  const text = problems.join('\n')
  for (const place of [
    '/log_level',
    '/bind',
    '/api_keys/0/name',
    '/api_keys/0/sha256',
    '/limit',
    '/nested/on',
  ]) {
    assert.ok(text.includes(place), `${place} in\n${text}`)
  }
  assert.match(text, /services\["openclaw"\].*unknown setting "tpyo"/)
  assert.match(text, /sonia\.json: unknown setting "log_levle"/)
})

test('a bind that other machines reach needs keys', () => {
  assert.match(problemsOf('{"bind":"0.0.0.0"}').join(), /api_keys first/)
  assert.match(problemsOf('{"bind":"192.168.1.5"}').join(), /api_keys first/)
  const keys = [{ name: 'a', sha256: '0'.repeat(64) }]
  assert.deepEqual(problemsOf(JSON.stringify({ bind: '0.0.0.0', api_keys: keys })), [])
  assert.deepEqual(problemsOf('{"bind":"127.0.0.1"}'), [])
  assert.deepEqual(problemsOf('{"bind":"::1"}'), [])
})

test("another service's section, and parts that the chassis does not own, are none of its business", () => {
  assert.deepEqual(problemsOf('{"services":{"pipecat":{"whatever":1}},"backup":{"every":"5h"}}'), [])
})

test('an absent file gives the defaults', () => {
  const { shared, service } = load(undefined)
  assert.deepEqual(service, { limit: 5, nested: { on: true } })
  const settings = sharedSettings(shared, { home: '/h', runId: 'r', portBase: 7000, version: '1' })
  assert.equal(settings.bind, '127.0.0.1')
  assert.equal(settings.sandboxRoot, '/h/sandbox')
  assert.equal(settings.logContent, false)
  assert.deepEqual(settings.shedAfterMs, { background: 250, normal: 600, high: 2000 })
})

test('a limit of lateness that is none is refused; those that are not given keep their default', () => {
  assert.match(problemsOf('{"shed_after_ms":{"normal":0}}').join(), /shed_after_ms\/normal/)
  assert.match(problemsOf('{"shed_after_ms":{"voice":9}}').join(), /unknown setting "voice"/)
  const { shared } = load('{"shed_after_ms":{"normal":100}}')
  assert.deepEqual(shared.shed_after_ms, { background: 250, normal: 100, high: 2000 })
})

test('an override lies over the file', () => {
  assert.equal(load('{"services":{"openclaw":{"limit":7,"name":"file"}}}', { limit: 9 }).service.limit, 9)
})

test('a secret is a reference, and no error shows its value', () => {
  const read = createSecretReader({ KEY: 'value', EMPTY: '' })
  const file = join(root, 'secret')
  writeFileSync(file, 'from file\n')
  assert.equal(read('env:KEY'), 'value')
  assert.equal(read(`file:${file}`), 'from file')
  for (const bad of ['literal-secret-value', 'env:ABSENT', 'env:EMPTY', 'file:/nonexistent', '']) {
    assert.throws(
      () => read(bad),
      (error: Error) => !error.message.includes('literal-secret-value'),
    )
  }
})
