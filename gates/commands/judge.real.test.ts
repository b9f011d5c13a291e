import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeBlocks } from '../calibrate/planted/judge-cases.ts'
import { openMetricsLines, type PlantedSeries } from '../calibrate/planted/planted-series.ts'
import { wobble } from '../calibrate/planted/sound-soak.ts'
import { startOverBlocks } from '../evidence/recorded-prometheus.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { hostForTest } from '../host-for-test.ts'
import { runProgram } from '../program.ts'

const START = 1_700_006_400
const LENGTH = 48 * 3600
const EXAMPLE = 'gates/criteria/examples/exporter.yaml'
let folder = ''
let blocks = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sonia-judge-test-'))
  blocks = join(folder, 'blocks')
  const lines = [...openMetricsLines(foreignStack(), { start: START, seconds: LENGTH, scrapeSeconds: 300 })]
  await writeBlocks(PROMTOOL_FILE, [...lines, '# EOF\n'], { scratch: folder, blocks })
})

after(() => rm(folder, { recursive: true, force: true }))

/** Two web servers nobody here wrote: web-2 leaks 4 MiB/h. */
function foreignStack(): readonly PlantedSeries[] {
  return ['web-1', 'web-2'].flatMap((instance, index) => {
    const labels = { job: 'shop', instance }
    const leak = index * 4 * 2 ** 20
    return [
      { name: 'up', labels, at: () => 1 },
      { name: 'process_start_time_seconds', labels, at: () => 1000 },
      { name: 'http_requests_total', labels: { ...labels, code: '200' }, at: (at: number) => at + 600 },
      { name: 'http_requests_total', labels: { ...labels, code: '503' }, at: () => 4 },
      {
        name: 'process_resident_memory_bytes',
        labels,
        at: (at: number) => Math.round(2e8 + 4e6 * wobble(at, index) + (leak * at) / 3600),
      },
    ]
  })
}

async function judge(...argv: readonly string[]) {
  const host = hostForTest(['judge', ...argv])
  const exitCode = await runProgram(host)
  return { exitCode, ...host.printed }
}

const WINDOW = ['--from', `${START}`, '--to', `${START + LENGTH}`]
const STACK = ['--param', 'JOB=shop', 'INSTANCES=web-1,web-2', 'INSTANCE_COUNT=2', 'S=300']

async function judgeFile(text: string, name = 'planted.yaml') {
  const file = join(folder, name)
  await writeFile(file, text)
  return judge('--criteria', file, '--blocks', blocks, ...WINDOW)
}

function criterion(body: string): string {
  return `gate: planted\ntitle: Planted\ncriteria:\n  - id: planted.one\n    title: Planted one\n    why: for the test\n    unit: count\n    judge: ${body}\n`
}

test('a foreign stack is judged by the example file; the instance that leaks is named', async () => {
  const { exitCode, stdout } = await judge('--criteria', EXAMPLE, '--blocks', blocks, ...WINDOW, ...STACK)
  assert.equal(exitCode, 1)
  assert.match(stdout, /FAIL +exporter\.memory .*web-2/)
  assert.match(stdout, /PASS +exporter\.errors/)
  assert.match(stdout, /PASS +exporter\.restarts/)
})

test('each PASS says what it would have taken to turn it', async () => {
  const { stdout } = await judge('--criteria', EXAMPLE, '--blocks', blocks, ...WINDOW, ...STACK, '--cards')
  assert.match(stdout, /SENSITIVITY +exporter\.errors .* [1-9]\d* more errors would have made it/)
})

test('judged twice, from blocks and from a Prometheus that was restarted: the same bytes', async () => {
  const byBlocks = await judge('--criteria', EXAMPLE, '--blocks', blocks, ...WINDOW, ...STACK, '--json')
  const scratch = join(folder, 'running')
  await cp(blocks, join(scratch, 'blocks'), { recursive: true })
  for (const attempt of ['first', 'restarted']) {
    const prometheus = await startOverBlocks(PROMETHEUS_FILE, scratch, join(scratch, 'blocks'))
    try {
      const byUrl = await judge(
        '--criteria',
        EXAMPLE,
        '--prometheus',
        prometheus.url,
        ...WINDOW,
        ...STACK,
        '--json',
      )
      assert.equal(byUrl.stdout, byBlocks.stdout, attempt)
    } finally {
      await prometheus.stop()
    }
  }
})

test('another time range than the recorded one is never a PASS', async () => {
  const later = ['--from', `${START + 5 * LENGTH}`, '--to', `${START + 6 * LENGTH}`]
  const { exitCode, stdout } = await judge('--criteria', EXAMPLE, '--blocks', blocks, ...later, ...STACK)
  assert.equal(exitCode, 2)
  assert.doesNotMatch(stdout, /^PASS/m)
})

test('a Prometheus that is not there is never a PASS', async () => {
  const nowhere = ['--prometheus', 'http://127.0.0.1:1']
  const { exitCode, stdout } = await judge('--criteria', EXAMPLE, ...nowhere, ...WINDOW, ...STACK)
  assert.equal(exitCode, 2)
  assert.doesNotMatch(stdout, /^PASS/m)
})

for (const file of ['index', 'chunks/000001']) {
  test(`blocks whose ${file} was cut off are never a PASS`, async () => {
    const damaged = join(folder, `damaged-${file.replace('/', '-')}`)
    await cp(blocks, damaged, { recursive: true })
    for (const block of await readdir(damaged)) await truncate(join(damaged, block, file), 2000)
    const { exitCode, stdout } = await judge('--criteria', EXAMPLE, '--blocks', damaged, ...WINDOW, ...STACK)
    assert.ok(exitCode === 2 || exitCode === 65, `exit code ${exitCode}: ${stdout}`)
    assert.doesNotMatch(stdout, /^PASS/m)
  })
}

test('a folder without blocks is refused', async () => {
  const { exitCode, stderr } = await judge('--criteria', EXAMPLE, '--blocks', tmpdir(), ...WINDOW, ...STACK)
  assert.equal(exitCode, 65)
  assert.match(stderr, /no blocks/)
})

const HOSTILE: readonly (readonly [string, string])[] = [
  ['PromQL that does not parse', criterion("{kind: scalar, value: 'sum(up', at_most: 1}")],
  ['a function that does not exist', criterion("{kind: scalar, value: 'haha(up)', at_most: 1}")],
  ['a pattern that does not compile', criterion(`{kind: scalar, value: 'up{job=~"(((("}', at_most: 1}`)],
  [
    'a pattern that repeats a thousand times a thousand',
    criterion(`{kind: scalar, value: 'up{job=~"((a{1000}){1000}){1000}"}', at_most: 1}`),
  ],
  [
    '3,900 parentheses in each other',
    criterion(`{kind: scalar, value: '${'('.repeat(3900)}up', at_most: 1}`),
  ],
  ['a character that ends texts', criterion(String.raw`{kind: scalar, value: "up\u0000", at_most: 1}`)],
  [
    'a moment of soundness that does not parse',
    criterion('{kind: scalar, value: up, at_most: 1}').replace(
      'title: Planted\n',
      "title: Planted\nvalid: 'sum(up'\n",
    ),
  ],
  [
    'a moment of soundness over ten million samples',
    criterion('{kind: scalar, value: up, at_most: 1}').replace(
      'title: Planted\n',
      `title: Planted\nvalid: 'count(count_over_time({__name__=~".+"}[48h:100ms]))'\n`,
    ),
  ],
  [
    'a hundred million samples',
    criterion("{kind: scalar, value: 'count_over_time((vector(1))[30h:1ms])', at_most: 1}"),
  ],
  [
    'thirty billion points, of which Prometheus would die',
    criterion("{kind: scalar, value: 'count_over_time((vector(1))[52w:1ms])', at_most: 1e99}"),
  ],
  [
    'a length that only Prometheus could work out',
    criterion("{kind: scalar, value: 'count_over_time((vector(1))[52w * 9:1ms])', at_most: 1e99}"),
  ],
  [
    'ten million samples',
    criterion(`{kind: scalar, value: 'count(count_over_time({__name__=~".+"}[48h:100ms]))', at_most: 1e99}`),
  ],
  [
    'more points than Prometheus gives',
    `gate: planted\ntitle: Planted\ncriteria:\n  - id: planted.one\n    title: Planted one\n    why: for the test\n    unit: bytes/h\n    judge: {kind: growth-bound, series: up, step: 1, limit: 1}\n`,
  ],
  ['a parameter nobody gives', criterion("{kind: scalar, value: 'up > $NOBODY', at_most: 1}")],
  ['an unknown judge', criterion('{kind: oracle, value: up}')],
]
for (const [what, text] of HOSTILE) {
  test(`${what}: an error with file and line, exit code 65, no verdict`, async () => {
    const { exitCode, stdout, stderr } = await judgeFile(text)
    assert.equal(exitCode, 65, stdout)
    assert.equal(stdout, '')
    assert.match(stderr, /planted\.yaml:[348]\b/)
  })
}

test('an expression that fails on these data says EVALUATION_ERROR, not what the rest of the data say', async () => {
  const manyToMany = criterion(
    "{kind: scalar, value: 'sum(up * on (job) http_requests_total)', at_most: 1e9}",
  )
  const { exitCode, stdout } = await judgeFile(manyToMany)
  assert.equal(exitCode, 2)
  assert.match(stdout, /EVALUATION_ERROR/)
})

for (const argv of [
  [],
  ['--criteria', EXAMPLE],
  ['--criteria', EXAMPLE, ...WINDOW],
  ['--criteria', EXAMPLE, ...WINDOW, '--prometheus', 'x', '--blocks', 'y'],
  ['--criteria', EXAMPLE, '--from', '2', '--to', '1', '--blocks', 'y'],
]) {
  test(`"judge ${argv.join(' ').slice(0, 60)}" is bad usage`, async () => {
    assert.equal((await judge(...argv)).exitCode, 64)
  })
}
