import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readLogLines } from './log-lines.ts'

const SCHEMA = fileURLToPath(new URL('../../services/chassis/log-line.schema.json', import.meta.url))
const LINE = {
  timestamp: '2026-02-08T09:30:00.000Z',
  level: 'INFO',
  service: 'openclaw',
  correlation_id: 'known_id_1',
  operation: 'POST /execute',
  duration_ms: 1.5,
  status_code: 403,
  request: null,
  response: null,
  error: { code: 'FORBIDDEN', message: 'no' },
  trace_id: null,
  span_id: null,
  run_id: 'run',
  message: 'done',
}

async function read(t: TestContext, files: Readonly<Record<string, readonly unknown[]>>) {
  const home = await mkdtemp(join(tmpdir(), 'sonia-lines-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await mkdir(join(home, 'logs'))
  for (const [name, lines] of Object.entries(files)) {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
    await writeFile(join(home, 'logs', name), `${text}\n`)
  }
  return readLogLines([home, join(home, 'nowhere')], {
    schemaFile: SCHEMA,
    isWanted: (id) => id.startsWith('known'),
  })
}

test('valid lines are counted, rotated files too, with services and codes of the known ids', async (t) => {
  const reading = await read(t, { 'openclaw.log': [LINE], 'openclaw.log.1': [LINE], 'eva-os.log': [] })
  assert.equal(reading.valid.openclaw, 2)
  assert.equal(reading.valid['eva-os'], 0)
  assert.deepEqual(reading.services.get('known_id_1'), new Set(['openclaw']))
  assert.deepEqual(reading.codes.get('known_id_1'), new Set(['FORBIDDEN']))
})

test('the code of a degraded answer is seen, though nothing failed', async (t) => {
  const line = { ...LINE, status_code: 200, error: null, response: { code: 'DEGRADED' } }
  const reading = await read(t, { 'openclaw.log': [line] })
  assert.deepEqual(reading.codes.get('known_id_1'), new Set(['DEGRADED']))
})

const planted: Readonly<Record<string, unknown>> = {
  'a line that is no JSON': '{"timestamp": "2026',
  'a line with a field nobody published': { ...LINE, password: 'x' },
  'a line without a field': { ...LINE, run_id: undefined },
  'a time without milliseconds': { ...LINE, timestamp: '2026-02-08T09:30:00Z' },
  'a forged correlation id': { ...LINE, correlation_id: 'known id\n' },
  'a line of another service': { ...LINE, service: 'eva-os' },
}

for (const [what, line] of Object.entries(planted)) {
  test(`${what} is invalid and named`, async (t) => {
    const reading = await read(t, { 'openclaw.log': [LINE, line] })
    assert.equal(reading.valid.openclaw, 1)
    assert.equal(reading.invalidCount.openclaw, 1)
    assert.equal(reading.invalid[0]?.service, 'openclaw')
  })
}
