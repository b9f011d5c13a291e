import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type RecordedPrometheus, startOverBlocks } from '../evidence/recorded-prometheus.ts'
import { outputOf } from '../evidence/run-process.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { CliError } from '../exit-codes.ts'
import { judgeRun } from './judge-run.ts'
import { serialiseCanonically } from './serialise-verdict.ts'

const START = 1_790_000_400
const END = START + 600
const STEP = 5

let folder = ''
let prometheus: RecordedPrometheus

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sonia-judge-'))
  await writeFile(join(folder, 'history.om'), history())
  await outputOf(PROMTOOL_FILE, [
    'tsdb',
    'create-blocks-from',
    'openmetrics',
    join(folder, 'history.om'),
    join(folder, 'blocks'),
  ])
  prometheus = await startOverBlocks(PROMETHEUS_FILE, folder, join(folder, 'blocks'))
})

after(async () => {
  await prometheus.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Ten minutes of a healthy counter, one that restarts, one with a hole, one that is NaN, and many series of a name. */
function history(): string {
  const times = Array.from({ length: 120 }, (_, index) => START + (index + 1) * STEP)
  const metric = (name: string, value: (seconds: number) => number | string | null, labels = '') => {
    const lines = times.flatMap((time) => {
      const text = value(time - START)
      return text === null ? [] : [`${name}${labels} ${text} ${time}`]
    })
    return lines.join('\n')
  }
  const many = Array.from({ length: 400 }, (_, index) => metric('crowd', () => 1, `{n="${index}"}`))
  return [
    '# TYPE healthy gauge',
    metric('healthy', (seconds) => seconds),
    '# TYPE reset gauge',
    metric('reset', (seconds) => (seconds < 300 ? seconds : seconds - 300)),
    '# TYPE holed gauge',
    metric('holed', (seconds) => (seconds > 120 && seconds <= 480 ? null : 1)),
    '# TYPE nan gauge',
    metric('nan', () => 'NaN'),
    '# TYPE crowd gauge',
    ...many,
    '# EOF\n',
  ].join('\n')
}

interface Asked {
  readonly value: string
  readonly guard?: { readonly promql: string; readonly reason: string }
  readonly window?: { readonly start: number; readonly end: number }
  readonly url?: string
}

async function judge({ value, guard, window = { start: START, end: END }, url = prometheus.url }: Asked) {
  const criteriaFolder = await mkdtemp(join(folder, 'criteria-'))
  await mkdir(criteriaFolder, { recursive: true })
  const guards = guard === undefined ? '[]' : JSON.stringify([{ ...guard, says: 'the data are sound' }])
  await writeFile(
    join(criteriaFolder, 'demo.yaml'),
    [
      'gate: demo',
      'title: A demonstration',
      'criteria:',
      '  - id: demo.value',
      '    title: Value',
      '    why: for the test',
      '    unit: count',
      `    guards: ${guards}`,
      `    judge: {kind: scalar, value: ${JSON.stringify(value)}, at_least: 0}`,
      '',
    ].join('\n'),
  )
  return judgeRun({
    criteriaFolder,
    windows: [{ gate: 'demo', planned_seconds: 600, ...window }],
    parameters: { S: STEP },
    prometheusUrl: url,
  })
}

async function assertUndecided(asked: Asked, reason: string): Promise<void> {
  const verdict = await judge(asked)
  assert.equal(verdict.verdict, 'INCONCLUSIVE')
  const reasons = verdict.gates.flatMap(({ criteria }) => criteria.flatMap((criterion) => criterion.reasons))
  assert.ok(
    reasons.some((code) => code === reason),
    `${reasons.join(', ')} lacks ${reason}`,
  )
}

const FAIL_OPEN: readonly [string, Asked, string][] = [
  ['a series that does not exist', { value: 'absent_metric' }, 'NO_SERIES'],
  ['a comparison without bool that is false', { value: 'healthy < 0' }, 'NO_SERIES'],
  ['0 / 0', { value: '0 * healthy / 0' }, 'NAN'],
  ['a recorded NaN', { value: 'nan' }, 'NAN'],
  ['all series of a name where one is meant', { value: 'crowd' }, 'MULTI_SERIES'],
  ['many-to-many matching', { value: 'crowd + on () crowd' }, 'EVALUATION_ERROR'],
  ['an answer with a warning', { value: 'histogram_quantile(1.5, healthy)' }, 'EVALUATION_ERROR'],
  [
    'another time than the recorded one',
    { value: 'healthy', window: { start: START + 86_400, end: END + 86_400 } },
    'NO_SERIES',
  ],
  ['a Prometheus that is down', { value: 'healthy', url: 'http://127.0.0.1:1' }, 'EVALUATION_ERROR'],
  [
    'a gap of 6 min that a look-back hides',
    { value: 'holed', guard: { promql: 'count_over_time(holed[$W]) >= bool 0.99 * $W / $S', reason: 'GAP' } },
    'GAP',
  ],
  [
    'a counter that was reset',
    { value: 'reset', guard: { promql: 'resets(reset[$W]) == bool 0', reason: 'COUNTER_INCONSISTENT' } },
    'COUNTER_INCONSISTENT',
  ],
  [
    'a guard that is empty',
    { value: 'healthy', guard: { promql: 'absent_metric == bool 1', reason: 'COVERAGE' } },
    'COVERAGE',
  ],
  [
    'a window that ended before its time',
    { value: 'healthy', window: { start: START, end: START + 300 } },
    'ABORTED',
  ],
]

for (const [what, asked, reason] of FAIL_OPEN) {
  test(`${what} is inconclusive: ${reason}`, () => assertUndecided(asked, reason))
}

async function assertRefused(value: string): Promise<void> {
  await assert.rejects(judge({ value }), (error: unknown) => {
    assert.ok(error instanceof CliError)
    assert.equal(error.exitCode, 65)
    assert.match(error.message, /demo\.yaml:4: demo\.value, value: /)
    return true
  })
}

test('an expression that does not parse is an error with file and line, never a verdict', () =>
  assertRefused('sum('))
test('a regular expression that RE2 refuses is an error with file and line', () =>
  assertRefused('healthy{x=~"((a{1000}){1000}){1000}"}'))
test('an expression over more samples than Prometheus loads is an error with file and line', () =>
  assertRefused('sum(sum_over_time(crowd[600s:1ms]))'))

test('the same data give the same bytes, twice and after a restart of Prometheus', async () => {
  const texts = [serialiseCanonically(await judge({ value: 'healthy' }))]
  texts.push(serialiseCanonically(await judge({ value: 'healthy' })))
  const again = await startOverBlocks(
    PROMETHEUS_FILE,
    await mkdtemp(join(folder, 'again-')),
    join(folder, 'blocks'),
  ).catch(() => null)
  if (again !== null) {
    texts.push(serialiseCanonically(await judge({ value: 'healthy', url: again.url })))
    await again.stop()
  }
  assert.equal(new Set(texts).size, 1)
  assert.match(texts[0] ?? '', /"verdict": "PASS"/)
})
