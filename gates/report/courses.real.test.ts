import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RunVerdict } from '../engine/types.ts'
import { type RecordedPrometheus, startOverBlocks } from '../evidence/recorded-prometheus.ts'
import { outputOf } from '../evidence/run-process.ts'
import { makeBundle, makeRecording, PROMETHEUS_FILE, scratchFolder } from '../evidence/testing.ts'
import { PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { trustFromKey } from '../evidence/trust.ts'
import { verifyBundle } from '../evidence/verify-bundle.ts'
import { askCourses } from './courses.ts'

const START = 1_790_000_400
let folder: string
let prometheus: RecordedPrometheus

before(async () => {
  folder = await scratchFolder()
  const times = Array.from({ length: 64 }, (_, index) => START - 10 + index * 5)
  const line = (time: number) =>
    `process_resident_memory_bytes{job="sonia",service="pipecat"} ${time - START + 100} ${time}`
  const metrics = join(folder, 'memory.om')
  await writeFile(
    metrics,
    `# TYPE process_resident_memory_bytes gauge\n${times.map(line).join('\n')}\n# EOF\n`,
  )
  await mkdir(join(folder, 'scratch'))
  const blocks = join(folder, 'scratch', 'blocks')
  await outputOf(PROMTOOL_FILE, ['tsdb', 'create-blocks-from', 'openmetrics', metrics, blocks])
  prometheus = await startOverBlocks(PROMETHEUS_FILE, join(folder, 'scratch'), blocks)
})

after(async () => {
  await prometheus.stop()
  await rm(folder, { recursive: true, force: true })
})

const verdictOf = (gate: string): RunVerdict => ({
  schema: 'sonia-verdict/1',
  verdict: 'PASS',
  parameters: { S: 5 },
  gates: [
    {
      gate,
      title: gate,
      verdict: 'PASS',
      start: START,
      end: START + 300,
      planned_seconds: 300,
      criteria: [],
      not_judged: [],
    },
  ],
  not_judged: [],
})

test('shows the course of what was recorded in the soak, and of nothing else', async () => {
  const courses = await askCourses(prometheus.url, verdictOf('soak'))
  assert.deepEqual(
    courses.map((one) => one.id),
    ['memory'],
  )
  assert.equal(courses[0]?.answer.data[0]?.values.length, 61)
  assert.deepEqual(await askCourses(prometheus.url, verdictOf('go-no-go')), [])
})

test('a Prometheus that does not answer costs the pictures, not the run', async () => {
  assert.deepEqual(await askCourses('http://127.0.0.1:9', verdictOf('soak')), [])
})

test('a course that the recorded data do not give is refused', async () => {
  const at = join(folder, 'forged')
  await mkdir(at)
  const courses = await askCourses(prometheus.url, verdictOf('soak'))
  const made = await makeBundle(await makeRecording(at), { courses })
  const result = await verifyBundle(made.path, {
    trust: trustFromKey(made.keys.publicKeyPem),
    prometheusBinary: PROMETHEUS_FILE,
    scratchFolder: folder,
  })
  assert.equal(result.exitCode, 14)
  assert.match(result.derived.findings[0]?.sentence ?? '', /another course/)
})
