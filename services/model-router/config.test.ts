import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildForTest, eventually } from '#chassis/testing.ts'
import { service } from './service.ts'
import {} from './testing/double-process.ts'

const provider = (more: object = {}) => ({
  kind: 'openai',
  base_url: 'https://models.example/v1',
  models: [{ name: 'm' }],
  ...more,
})

async function problemsOf(config: object, env: Record<string, string> = {}): Promise<string> {
  const error = await buildForTest(service, { config: config as Record<string, unknown>, env }).then(
    async (built) => {
      await built.stop()
      return null
    },
    (reason: unknown) => reason as Error,
  )
  assert.ok(error !== null, 'the configuration was accepted')
  return error.message
}

test('all problems are reported at once, each with its place', async () => {
  const text = await problemsOf({
    providers: {
      a: provider({ base_url: 'http://169.254.169.254/v1' }),
      b: provider({ base_url: 'http://user:pw@models.example/' }),
      c: provider({ api_key: 'env:ABSENT_KEY' }),
      d: provider({ models: [{ name: 'm' }, { name: 'm' }] }),
      e: provider({ kind: 'anthropic', models: [{ name: 'm', purpose: 'embeddings' }] }),
      embedded: provider(),
    },
    profiles: { memory_ops: { candidates: ['a/unknown'] } },
  })
  for (const line of [
    /\/providers\/a\/base_url: is a link-local/,
    /\/providers\/b\/base_url: must not hold credentials/,
    /\/providers\/c\/api_key: The secret env:ABSENT_KEY is absent/,
    /\/providers\/d\/models: "m" is there twice/,
    /\/providers\/e\/models: Anthropic has no embeddings/,
    /\/providers\/embedded: the name belongs/,
    /\/profiles\/memory_ops\/candidates: no such model "a\/unknown"/,
  ]) {
    assert.match(text, line)
  }
})

for (const [what, config] of [
  ['a literal key', { providers: { a: provider({ api_key: 'sk-literal' }) } }],
  ['an unknown setting', { providers: { a: provider({ apikey: 'env:X' }) } }],
  ['an unknown profile', { profiles: { my_profile: {} } }],
  ['a provider without models', { providers: { a: provider({ models: [] }) } }],
  ['a timeout of 0', { profiles: { memory_ops: { idle_ms: 0 } } }],
  ['a provider name that is no name', { providers: { 'A B': provider() } }],
] as const) {
  test(`${what} is refused`, async () => {
    assert.match(await problemsOf(config), /services\["model-router"\]/)
  })
}

test('a refused key is never quoted', async () => {
  assert.doesNotMatch(
    await problemsOf({ providers: { a: provider({ api_key: 'sk-literal' }) } }),
    /sk-literal/,
  )
})

test('with log_content text is logged, redacted; it is not logged without', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-router-'))
  t.after(() => rm(home, { recursive: true }))
  await mkdir(join(home, 'config'))
  await writeFile(join(home, 'config', 'sonia.json'), JSON.stringify({ log_content: true }))
  const built = await buildForTest(service, { home })
  const headers = await built.headersFrom('api-gateway')
  await eventually(async () => (await built.app.inject({ url: '/v1/models', headers })).statusCode === 200)
  const key = ['sk', 'abcdefgh12345678'].join('-')
  for (const stream of [false, true]) {
    const answer = await built.app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      headers,
      payload: { messages: [{ role: 'user', content: `words to see ${key}` }], stream },
    })
    assert.equal(answer.statusCode, 200)
  }
  built.log.flush()
  const log = await readFile(join(home, 'logs', 'model-router.log'), 'utf8')
  await built.stop()
  assert.equal(log.match(/words to see \[redacted\]/g)?.length, 2)
  assert.equal(log.match(/not a language model/g)?.length, 2)
  assert.equal(log.includes(key), false)
})
