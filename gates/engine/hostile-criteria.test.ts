import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CliError } from '../exit-codes.ts'
import { PROFILES } from '../profiles.ts'
import { plannedTestRuns, runParameters } from '../run-parameters.ts'
import { checkParameters } from './check-parameters.ts'
import { loadCriteriaFolder } from './load-criteria.ts'
import { GATE_IDS } from './types.ts'

const PARAMETERS = { S: 5, EMPTY: [], NAME: 'x', ZERO: 0 }

/** A file of one criterion on its 4th line; its judge stands on the 8th, or one further where something is added. */
function fileOf(judge: string, { unit = 'count', add = '' } = {}): string {
  const extra = add === '' ? '' : `    ${add}\n`
  return `gate: demo\ntitle: A demonstration\ncriteria:\n  - id: demo.one\n    title: Planted one\n    why: for the test\n    unit: ${unit}\n${extra}    judge: ${judge}\n`
}

const scalar = (rest: string, add = '') => fileOf(`{kind: scalar, value: up, ${rest}}`, { add })
const ratio = (rest: string) => fileOf(`{kind: ratio-bound, errors: a, total: b, ${rest}}`, { unit: 'ratio' })
const growth = (rest: string) => fileOf(`{kind: growth-bound, series: a, ${rest}}`, { unit: 'bytes/h' })

const HOSTILE: readonly (readonly [what: string, text: string, error: RegExp])[] = [
  ['a limit that is not a number', scalar('at_most: .nan'), /:8: .*at_most must be a finite number/],
  ['a limit without end', scalar('at_most: .inf'), /:8: .*finite number/],
  ['a limit too large for a number', scalar('at_most: 1e999'), /:8: .*finite number/],
  ['a limit in quotes', scalar('at_most: "1"'), /:8: .*finite number/],
  ['a limit that is a name', scalar('at_most: $NAME'), /:4: .*NAME is not a number/],
  ['0 of 0', fileOf('{kind: count, value: up, of: 0}'), /:4: .*of is 0/],
  ['0 of a parameter', fileOf('{kind: count, value: up, of: $ZERO}'), /:4: .*of is 0/],
  ['one and a half of all', fileOf('{kind: count, value: up, of: 1.5}'), /:4: .*whole number/],
  ['per cent for a share', ratio('limit: 2, confidence: 0.95'), /:4: .*0\.005 is 0\.5 %/],
  ['per cent for a confidence', ratio('limit: 0.1, confidence: 95'), /:8: .*confidence must be < 1/],
  ['a share below zero', ratio('limit: -1, confidence: 0.95'), /:4: .*limit is -1/],
  ['growth that may only shrink', growth('step: 60, limit: -1'), /:4: .*limit is -1/],
  ['a step of nothing', growth('step: 0, limit: 1'), /:4: .*step is 0/],
  ['a step backwards', growth('step: -60, limit: 1'), /:4: .*step is -60/],
  ['a length in days', scalar('at_most: 1', 'needs: 2d'), /:8: .*needs must match/],
  ['a length without its unit', scalar('at_most: 1', 'needs: 36'), /:8: .*needs must be string/],
  [
    'a ledger of shares',
    fileOf('{kind: ledger, left: a, right: b}', { unit: 'ratio' }),
    /:7: unit "ratio" does not fit ledger/,
  ],
  ['nobody expected', scalar('at_most: 1', 'expect: {label: a, values: []}'), /:8: .*at least one name/],
  ['a list of nobody', scalar('at_most: 1', 'expect: {label: a, values: $EMPTY}'), /:4: .*names nobody/],
  ['one name twice', scalar('at_most: 1', 'expect: {label: a, values: [x, x]}'), /:4: .*names x twice/],
  ['no series at least', scalar('at_most: 1', 'expect: {label: a, at_least: 0}'), /:4: .*at_least is 0/],
  ['a member of every object', scalar('at_most: 1, __proto__: {x: 1}'), /:8: .*may not have "__proto__"/],
  ['a tag of some language', scalar('at_most: !!js/function "x"'), /:8: .*Unresolved tag/],
  ['two documents', `${scalar('at_most: 1')}---\na: 1\n`, /:9: .*multiple documents/],
  [
    '20,000 brackets in each other',
    `gate: demo\ntitle: Deep\ncriteria: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`,
    /:3: more than 100 brackets/,
  ],
  [
    'a moment of soundness nobody can ask',
    scalar('at_most: 1').replace('criteria:', 'valid: up > $NOBODY\ncriteria:'),
    /:3: valid: there is no parameter \$NOBODY/,
  ],
]

for (const [what, text, error] of HOSTILE) {
  test(`${what} is refused with file and line, before anything is asked`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sonia-hostile-'))
    try {
      await writeFile(join(folder, 'demo.yaml'), text)
      await assert.rejects(
        async () => checkParameters(await loadCriteriaFolder(folder), PARAMETERS),
        (thrown: unknown) => {
          assert.ok(thrown instanceof CliError)
          assert.equal(thrown.exitCode, 65)
          assert.match(thrown.message, error)
          assert.match(thrown.message, /^demo\.yaml:\d+: /)
          return true
        },
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}

test('our own criteria can be asked under every profile, of part of the gates and of all', async () => {
  const folder = fileURLToPath(new URL('../criteria', import.meta.url))
  const gates = await loadCriteriaFolder(folder)
  assert.equal(gates.length, GATE_IDS.length)
  for (const profile of Object.values(PROFILES))
    for (const runs of [profile.testRuns, plannedTestRuns(profile, GATE_IDS)])
      checkParameters(gates, runParameters(profile, runs))
})
