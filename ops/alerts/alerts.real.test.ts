import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { locateTool } from '#tools/locate.ts'
import { REPO, testHost } from '../fixtures/test-host.ts'
import { FAILURE_CODES } from '../thresholds.ts'
import { runbookPath } from './alert-rule.ts'
import { alertGroups, renderAlertRules } from './render-rules.ts'
import { DRILL_TIMING, PRODUCTION_TIMING } from './timing.ts'

const RULES = join(REPO, 'prometheus', 'rules')
const rules = Object.values(alertGroups(PRODUCTION_TIMING)).flat()
const committed = () => readFileSync(join(RULES, 'alerts.rules.yml'), 'utf8')
const CASE_FILES = ['alerts', 'alerts-near-misses'].flatMap((cases) =>
  ['', '-minutes', '-hours'].map((reach) => `${cases}${reach}.test.yml`),
)

interface CaseFile {
  readonly tests: { promql_expr_test: { expr: string; exp_samples: unknown[] }[] }[]
}

async function promtool(...args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  const { path } = await locateTool('promtool', { ...testHost, repository: REPO })
  try {
    return {
      ok: true,
      output: execFileSync(path, [...args], { cwd: RULES, encoding: 'utf8', stdio: 'pipe' }),
    }
  } catch (error) {
    const said = error as { stdout?: string; stderr?: string; message: string }
    return { ok: false, output: `${said.stdout}${said.stderr}${said.message}` }
  }
}

test('the committed alert rules are what thresholds and waiting times make', () => {
  assert.equal(committed(), renderAlertRules(PRODUCTION_TIMING))
})

test('every rule lints clean, with production and with drill timing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const drill = join(folder, 'drill.rules.yml')
  writeFileSync(drill, renderAlertRules(DRILL_TIMING))
  const files = readdirSync(RULES).filter((name) => name.endsWith('.rules.yml'))
  const checked = await promtool('check', 'rules', '--lint=all', '--lint-fatal', ...files, drill)
  assert.equal(checked.ok, true, checked.output)
})

test('every rule fires and stays silent where its unit test says so', async () => {
  const checked = await promtool('test', 'rules', ...CASE_FILES)
  assert.equal(checked.ok, true, checked.output)
})

test('a threshold that moved would be noticed by the unit tests', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'recording.rules.yml'), readFileSync(join(RULES, 'recording.rules.yml')))
  writeFileSync(join(folder, 'cases.test.yml'), readFileSync(join(RULES, 'alerts-minutes.test.yml')))
  writeFileSync(join(folder, 'alerts.rules.yml'), committed().replace('> 0.05', '> 0.5'))
  const moved = await promtool(
    'test',
    'rules',
    '--run=more than 5 % failures',
    join(folder, 'cases.test.yml'),
  )
  assert.equal(moved.ok, false)
  assert.match(moved.output, /HighErrorRatio/)
})

test('every alert has a unit test in both directions, for each of its severities', () => {
  const checks = CASE_FILES.flatMap((name) => {
    const { tests } = parse(readFileSync(join(RULES, name), 'utf8')) as CaseFile
    return tests.flatMap((entry) => entry.promql_expr_test)
  })
  for (const { alert, severity } of rules) {
    const own = checks.filter((check) => check.expr.includes(`alertname="${alert}",severity="${severity}"`))
    assert.equal(
      own.some((check) => check.exp_samples.length > 0),
      true,
      `${alert} ${severity} never fires`,
    )
    const isSilent = own.some((check) => check.exp_samples.length === 0)
    assert.equal(isSilent, alert !== 'Watchdog', `${alert} ${severity} silence`)
  }
})

test('every rule says what it is about and carries a service: inhibition goes by it', () => {
  for (const rule of rules) {
    const carries =
      rule.service !== undefined || /by \(service|\{job="sonia"\}|up\{job="sonia"/.test(rule.expr)
    assert.equal(carries, true, rule.alert)
    for (const text of [rule.summary, rule.description, rule.dashboard]) assert.notEqual(text, '')
  }
})

test('every alert has a runbook, and every runbook an alert', () => {
  const expected = new Set(rules.map((rule) => runbookPath(rule.alert)))
  for (const path of expected) assert.equal(existsSync(join(REPO, path)), true, path)
  const found = readdirSync(join(REPO, 'docs', 'runbooks')).map((name) => `docs/runbooks/${name}`)
  assert.deepEqual(new Set(found.filter((path) => !path.endsWith('README.md'))), expected)
})

test('names of runbooks follow the names of alerts', () => {
  assert.equal(runbookPath('HighErrorRatio'), 'docs/runbooks/high-error-ratio.md')
})

test('recording rules count the same failures as the alerts', () => {
  const recording = readFileSync(join(RULES, 'recording.rules.yml'), 'utf8')
  assert.equal(
    recording.includes(`code=~"${FAILURE_CODES.toSorted().join('|')}"`) ||
      recording.includes(`code=~"${FAILURE_CODES.join('|')}"`),
    true,
  )
})
