import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { writeRunConfiguration } from './run-configuration.ts'

const PAGE_URL = 'http://127.0.0.1:7097/'

async function write(t: TestContext, text: string | null, modelRouter?: Record<string, unknown>) {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-configuration-'))
  t.after(() => rm(folder, { recursive: true }))
  const source = join(folder, 'operator')
  await mkdir(source)
  if (text !== null) await writeFile(join(source, 'sonia.json'), text)
  await writeRunConfiguration({
    home: join(folder, 'run'),
    sources: [join(folder, 'none'), source],
    pageUrl: PAGE_URL,
    modelRouter,
  })
  return JSON.parse(await readFile(join(folder, 'run', 'config', 'sonia.json'), 'utf8')) as unknown
}

for (const text of ['', '{"bind": ', '[]', 'null', '7']) {
  test(`a configuration of ${JSON.stringify(text)} is refused`, async (t) => {
    await assert.rejects(write(t, text), { exitCode: 65 })
  })
}

test('what the operator configured stays, and one origin is added', async (t) => {
  const operator = {
    log_level: 'DEBUG',
    services: { openclaw: { browser: { allowed_origins: ['http://a'], engine: 'http' } } },
  }
  assert.deepEqual(await write(t, JSON.stringify(operator)), {
    log_level: 'DEBUG',
    services: {
      openclaw: { browser: { allowed_origins: ['http://a', 'http://127.0.0.1:7097'], engine: 'http' } },
    },
  })
})

test('without a configuration the defaults of the schemas hold, but for that origin', async (t) => {
  assert.deepEqual(await write(t, null), {
    services: { openclaw: { browser: { allowed_origins: ['http://127.0.0.1:7097'] } } },
  })
})

test("a gate's own model providers take the place of the operator's", async (t) => {
  const operator = { services: { 'model-router': { embedded: false }, pipecat: { idle_seconds: 7 } } }
  const { services } = (await write(t, JSON.stringify(operator), { providers: {} })) as {
    services: Record<string, unknown>
  }
  assert.deepEqual(services['model-router'], { providers: {} })
  assert.deepEqual(services['pipecat'], { idle_seconds: 7 })
})
