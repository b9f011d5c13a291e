import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CliError } from '../exit-codes.ts'
import { loadCriteriaFolder } from './load-criteria.ts'

const SOUND = `gate: demo
title: A demonstration
guards:
  scraped: {promql: "count(up) == bool 1", reason: COVERAGE, says: everything was scraped}
criteria:
  - id: demo.errors
    title: Error ratio
    why: for the test
    unit: ratio
    guards: [scraped]
    judge: {kind: ratio-bound, errors: "sum(e)", total: "sum(t)", limit: 0.005, confidence: 0.95}
  - id: demo.growth
    title: Memory
    why: for the test
    unit: bytes/h
    needs: 36h
    expect: {label: service, values: $SERVICES}
    judge: {kind: growth-bound, series: "m", step: $S, limit: 1048576}
`

async function load(text: string, name = 'demo.yaml') {
  const folder = await mkdtemp(join(tmpdir(), 'criteria-'))
  try {
    await writeFile(join(folder, name), text)
    return await loadCriteriaFolder(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function refuses(text: string, ...expected: RegExp[]): Promise<void> {
  await assert.rejects(load(text), (error: unknown) => {
    assert.ok(error instanceof CliError)
    assert.equal(error.exitCode, 65)
    for (const pattern of expected) assert.match(error.message, pattern)
    return true
  })
}

function changed(from: string, to: string): string {
  assert.ok(SOUND.includes(from))
  return SOUND.replace(from, to)
}

test('broken YAML is refused with its line', () =>
  refuses('gate: demo\ntitle: "open\ncriteria: []\n', /demo\.yaml:[234]/))
test('an unknown judge is refused with its line and the judges there are', () =>
  refuses(changed('kind: ratio-bound', 'kind: oracle'), /demo\.yaml:11:.*"oracle".*ratio-bound/))
test('a unit that the judge cannot speak of is refused with its line', () =>
  refuses(changed('unit: ratio', 'unit: seconds'), /demo\.yaml:9:.*seconds.*ratio/))
test('a unit that does not exist is refused', () =>
  refuses(changed('unit: ratio', 'unit: parsecs'), /demo\.yaml:9:.*one of/))
test('an unknown reason code is refused', () =>
  refuses(changed('COVERAGE', 'WEATHER'), /demo\.yaml:4:.*one of/))
test('an unknown guard is refused', () =>
  refuses(changed('guards: [scraped]', 'guards: [scrapped]'), /demo\.yaml:10:.*scrapped/))
test('an unknown field is refused', () =>
  refuses(changed('    why: for', '    weight: 3\n    why: for'), /demo\.yaml:8:.*weight/))
test('the same id twice is refused', () =>
  refuses(changed('demo.growth', 'demo.errors'), /demo\.yaml:12:.*twice/))
test('an id of another gate is refused', () => refuses(changed('demo.growth', 'other.growth'), /"demo\."/))
test('a scalar without a limit, or with two, is refused', async () => {
  const judge = (text: string) => changed(/\{kind: ratio-bound.*\}/.exec(SOUND)?.[0] ?? '', text)
  await refuses(judge('{kind: scalar, value: "x"}'), /demo\.yaml:11/)
  await refuses(judge('{kind: scalar, value: "x", at_most: 1, below: 2}'), /demo\.yaml:11/)
})
test('a key that is there twice is refused', () =>
  refuses(changed('title: A', 'gate: x\ntitle: A'), /demo\.yaml:2/))
test('no criteria at all are refused', () =>
  refuses('gate: demo\ntitle: Empty one\ncriteria: []\n', /demo\.yaml:3/))
test('an empty file is refused', () => refuses('', /demo\.yaml:1/))
test('a file of 1 MB is refused unread', () => refuses(`# ${'x'.repeat(1_000_000)}`, /too many/))
test('an expression of 5,000 characters is refused', () =>
  refuses(changed('sum(e)', 'e'.repeat(5000)), /4000/))
test('a bomb of aliases is refused', async () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`,
  )
  await refuses(`a0: &a0 [x]\n${levels.join('\n')}\n`, /demo\.yaml/)
})
test('all problems are reported at once, in the order of the file', () =>
  refuses(
    SOUND.replace('unit: ratio', 'unit: parsecs')
      .replace('kind: growth-bound', 'kind: oracle')
      .replace('why: for the test', 'why: 3'),
    /demo\.yaml:8.*\n.*demo\.yaml:9.*\n.*demo\.yaml:18/,
  ))

test('a sound file becomes criteria that know where they stand', async () => {
  const [gate] = await load(SOUND)
  assert.equal(gate?.criteria.length, 2)
  assert.deepEqual(
    gate?.criteria.map(({ source, needsSeconds }) => [source, needsSeconds]),
    [
      ['demo.yaml:6', 0],
      ['demo.yaml:12', 129_600],
    ],
  )
  assert.equal(gate?.criteria[0]?.guards[0]?.blocks, 'all')
})

test('every example is a sound criteria file', async () => {
  const gates = await loadCriteriaFolder(join(import.meta.dirname, '..', 'criteria', 'examples'))
  assert.deepEqual(gates.map(({ gate }) => gate).toSorted(), ['answers', 'exporter'])
})
