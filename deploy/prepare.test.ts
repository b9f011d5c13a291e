import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Type } from 'typebox'
import { SERVICE_NAMES } from '#catalog'
import { loadConfig } from '#chassis/config.ts'
import { prepareForCompose } from './prepare.ts'

function prepared(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'sonia-prepare-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const prepare = () => prepareForCompose({ repo: fileURLToPath(new URL('..', import.meta.url)), root })
  prepare()
  return { root, prepare, read: (...path: string[]) => readFileSync(join(root, ...path), 'utf8') }
}

test('each service finds its own bootstrap secret and no other; eva-os, which checks them, finds all', (t) => {
  const { root } = prepared(t)
  for (const service of SERVICE_NAMES) {
    const expected = service === 'eva-os' ? [...SERVICE_NAMES].toSorted() : [service]
    assert.deepEqual(readdirSync(join(root, service, 'run', 'secrets')).toSorted(), expected)
  }
})

test('the operator’s key is with eva-os alone, and nothing is readable by others', (t) => {
  const { root } = prepared(t)
  for (const service of SERVICE_NAMES)
    assert.equal(existsSync(join(root, service, 'config', 'operator.key')), service === 'eva-os', service)
  for (const path of ['eva-os/config/operator.key', 'openclaw/run/secrets/openclaw', 'shared/config/api.key'])
    assert.equal(statSync(join(root, path)).mode & 0o077, 0, path)
})

test('every service accepts its configuration: open to the network, with a key, neighbours by name', (t) => {
  const { root } = prepared(t)
  const anySection = Type.Object({}, { additionalProperties: true })
  for (const name of SERVICE_NAMES) {
    const { shared } = loadConfig({ home: join(root, name), name }, anySection)
    assert.equal(shared.bind, '0.0.0.0')
    assert.equal(shared.hosts['eva-os'], 'eva-os')
    assert.equal(shared.api_keys.length, 1)
  }
})

test('preparing again keeps the keys and renews the secrets', (t) => {
  const { prepare, read } = prepared(t)
  const keys = () => [read('shared', 'config', 'api.key'), read('eva-os', 'config', 'operator.key')]
  const [before, secret] = [keys(), read('pipecat', 'run', 'secrets', 'pipecat')]
  prepare()
  assert.deepEqual(keys(), before)
  assert.notEqual(read('pipecat', 'run', 'secrets', 'pipecat'), secret)
})
