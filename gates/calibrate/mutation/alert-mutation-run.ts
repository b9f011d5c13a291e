import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { type AlertRule, mutateAlert } from './mutate-alert.ts'
import type { MutantFate } from './mutation-run.ts'
import { reasonToSurvive } from './survivors.ts'

export interface AlertMutationSettings {
  readonly promtool: string
  /** Folder of `alerts.rules.yml`, `recording.rules.yml` and their unit tests `alerts*.test.yml`. */
  readonly rules: string
  readonly scratchParent: string
  /** Which alerts to change. */
  readonly isAsked: (alert: string) => boolean
  readonly onProgress: (line: string) => void
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[]
}

/** One unit test of promtool; what it says is kept as it stands. */
interface RuleTest {
  readonly promql_expr_test?: readonly { readonly expr: string }[]
}

const ALERTS = 'alerts.rules.yml'
const RECORDING = 'recording.rules.yml'

/** Makes every small wrong change to every alert, and looks whether a unit test of the rules tells it from the right one. */
export async function runAlertMutations(settings: AlertMutationSettings): Promise<readonly MutantFate[]> {
  const scratch = await mkdtemp(join(settings.scratchParent, 'sonia-alerts-'))
  try {
    const file = parse(await readFile(join(settings.rules, ALERTS), 'utf8')) as RuleFile
    const tests = await readTests(settings.rules)
    await writeFile(join(scratch, RECORDING), await readFile(join(settings.rules, RECORDING)))
    const fates: MutantFate[] = []
    const rules = file.groups.flatMap((group) => group.rules)
    for (const rule of rules.filter(({ alert }) => settings.isAsked(alert))) {
      fates.push(...(await fatesOf(rule, { rules, tests, scratch, promtool: settings.promtool })))
      settings.onProgress(`${rule.alert} ${rule.labels['severity']}: ${fates.length} mutants so far`)
    }
    return fates
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function readTests(folder: string): Promise<readonly RuleTest[]> {
  const names = (await readdir(folder)).filter((name) => /^alerts.*\.test\.yml$/.test(name)).toSorted()
  const files = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return files.flatMap((text) => (parse(text) as { readonly tests: readonly RuleTest[] }).tests)
}

interface Bench {
  readonly rules: readonly AlertRule[]
  readonly tests: readonly RuleTest[]
  readonly scratch: string
  readonly promtool: string
}

/** Only the tests that ask for the alert are run, and only alerts of its name beside it: the others cannot notice. */
async function fatesOf(rule: AlertRule, bench: Bench): Promise<readonly MutantFate[]> {
  const own = bench.tests.filter(({ promql_expr_test: asked = [] }) =>
    asked.some(({ expr }) => expr.includes(`alertname="${rule.alert}"`)),
  )
  const suite = { rule_files: [RECORDING, ALERTS], evaluation_interval: '15s', tests: own }
  await writeFile(join(bench.scratch, 'alerts.test.yml'), stringify(suite))
  const sound = await saidOf(rule, rule, bench)
  if (sound !== 'success') throw new Error(`the unit tests of ${rule.alert} fail as they stand: ${sound}`)
  const fates: MutantFate[] = []
  for (const mutant of mutateAlert(rule)) {
    const said = await saidOf(rule, mutant.rule, bench)
    if (said === 'refused') continue
    const criterion = `${rule.alert} ${rule.labels['severity']} ${rule.labels['service'] ?? ''}`.trim()
    const { operator, change } = mutant
    const caughtBy = said === 'success' ? null : said
    const reason = caughtBy === null ? reasonToSurvive(criterion, change) : null
    fates.push({ criterion, operator, change, caughtBy, reason })
  }
  return fates
}

/** "success", "refused" for what is no rule at all, or the first failed test. */
async function saidOf(rule: AlertRule, by: AlertRule, { rules, scratch, promtool }: Bench): Promise<string> {
  const beside = rules.filter(({ alert }) => alert === rule.alert)
  const changed = { groups: [{ name: 'mutated', rules: beside.map((one) => (one === rule ? by : one)) }] }
  await writeFile(join(scratch, ALERTS), stringify(changed))
  const output = await outputOfTests(promtool, scratch)
  if (output === null) return 'success'
  if (/parse error|could not parse|invalid/i.test(output)) return 'refused'
  return /name: ([^\n]+),/.exec(output)?.[1] ?? output.trim().slice(0, 200)
}

/** Null where all tests pass. */
function outputOfTests(promtool: string, folder: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(
      promtool,
      ['test', 'rules', 'alerts.test.yml'],
      { cwd: folder, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => resolve(error === null ? null : `${stdout}${stderr}`),
    )
  })
}
