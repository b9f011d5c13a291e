import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { type AlertMutant, type AlertRule, mutateAlert } from './mutate-alert.ts'
import type { MutantFate } from './mutation-run.ts'
import { outcomesOfTests } from './rule-test-outcomes.ts'
import { reasonToSurvive } from './survivors.ts'

export interface AlertMutationSettings {
  readonly promtool: string
  /** Folder of `alerts.rules.yml`, `recording.rules.yml` and their unit tests `alerts*.test.yml`. */
  readonly rules: string
  readonly scratchParent: string
  /** Which alerts to change. */
  readonly isAsked: (alert: string) => boolean
  readonly onProgress: (line: string) => void
  /** Ends the run early; alerts whose mutants were not all tested are left out. */
  readonly signal: AbortSignal
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[]
}

/** Unit tests of promtool in one file; what they say is kept as it stands. */
interface RuleTestFile {
  readonly name: string
  readonly evaluation_interval: string
  readonly tests: readonly { readonly promql_expr_test?: readonly { readonly expr: string }[] }[]
}

const ALERTS = 'alerts.rules.yml'
const RECORDING = 'recording.rules.yml'

/** Makes every small wrong change to every alert, and looks whether a unit test of the rules tells it from the right one. */
export async function runAlertMutations(settings: AlertMutationSettings): Promise<readonly MutantFate[]> {
  const { signal, promtool } = settings
  const scratch = await mkdtemp(join(settings.scratchParent, 'sonia-alerts-'))
  try {
    const file = parse(await readFile(join(settings.rules, ALERTS), 'utf8')) as RuleFile
    const tests = await readTests(settings.rules)
    await writeFile(join(scratch, RECORDING), await readFile(join(settings.rules, RECORDING)))
    const fates: MutantFate[] = []
    const rules = file.groups.flatMap((group) => group.rules)
    for (const rule of rules.filter(({ alert }) => settings.isAsked(alert))) {
      const own = await fatesOf(rule, { rules, tests, scratch, promtool, signal })
      if (signal.aborted) break
      fates.push(...own)
      settings.onProgress(`${rule.alert} ${rule.labels['severity']}: ${fates.length} mutants so far`)
    }
    return fates
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function readTests(folder: string): Promise<readonly RuleTestFile[]> {
  const names = (await readdir(folder)).filter((name) => /^alerts.*\.test\.yml$/.test(name)).toSorted()
  return Promise.all(
    names.map(async (name) => ({
      ...(parse(await readFile(join(folder, name), 'utf8')) as Omit<RuleTestFile, 'name'>),
      name,
    })),
  )
}

interface Bench {
  readonly rules: readonly AlertRule[]
  readonly tests: readonly RuleTestFile[]
  readonly scratch: string
  readonly promtool: string
  readonly signal: AbortSignal
}

/** Only the tests that ask for the alert are run, and only alerts of its name beside it: the others cannot notice. */
async function fatesOf(rule: AlertRule, bench: Bench): Promise<readonly MutantFate[]> {
  const asksForIt = ({ expr }: { readonly expr: string }) => expr.includes(`alertname="${rule.alert}"`)
  const own = bench.tests
    .map((file) => ({
      ...file,
      tests: file.tests.filter(({ promql_expr_test: asked = [] }) => asked.some(asksForIt)),
    }))
    .filter(({ tests }) => tests.length > 0)
  const mutants = mutateAlert(rule)
  const [sound, ...said] = await saidOf([rule, ...mutants.map((mutant) => mutant.rule)], rule, {
    ...bench,
    tests: own,
  })
  if (bench.signal.aborted) return []
  if (sound !== 'success') throw new Error(`the unit tests of ${rule.alert} fail as they stand: ${sound}`)
  return mutants.flatMap((mutant, index) => fateOf(rule, mutant, said[index] ?? 'success'))
}

/** What is no rule at all is no mutant. */
function fateOf(rule: AlertRule, { operator, change }: AlertMutant, said: string): readonly MutantFate[] {
  if (said === 'refused') return []
  const criterion = `${rule.alert} ${rule.labels['severity']} ${rule.labels['service'] ?? ''}`.trim()
  const caughtBy = said === 'success' ? null : said
  const reason = caughtBy === null ? reasonToSurvive(criterion, change) : null
  return [{ criterion, operator, change, caughtBy, reason }]
}

/** All variants in one start of promtool; for each "success", "refused" for what is no rule, or the first failed test. */
async function saidOf(
  variants: readonly AlertRule[],
  rule: AlertRule,
  { rules, tests, scratch, promtool, signal }: Bench,
): Promise<readonly string[]> {
  const beside = rules.filter(({ alert }) => alert === rule.alert)
  const suites: string[][] = []
  for (const [index, by] of variants.entries()) {
    const groups = [{ name: 'mutated', rules: beside.map((one) => (one === rule ? by : one)) }]
    await writeFile(join(scratch, `${index}.rules.yml`), stringify({ groups }))
    const names = tests.map(({ name }) => `${index}.${name}`)
    for (const { name, ...file } of tests) {
      const suite = { ...file, rule_files: [RECORDING, `${index}.rules.yml`] }
      await writeFile(join(scratch, `${index}.${name}`), stringify(suite))
    }
    suites.push(names)
  }
  const outcomes = outcomesOfTests(await outputOfTests(promtool, suites.flat(), { scratch, signal }))
  return suites.map((names) => {
    const outputs = names.map((name) => outcomes.get(name) ?? 'not run')
    return worstOf(outputs)
  })
}

function worstOf(outcomes: readonly string[]): string {
  if (outcomes.includes('refused')) return 'refused'
  return outcomes.find((one) => one !== 'success') ?? 'success'
}

/** Both streams as one text, in the order in which they were written. */
function outputOfTests(
  promtool: string,
  files: readonly string[],
  { scratch, signal }: { readonly scratch: string; readonly signal: AbortSignal },
): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      '/bin/sh',
      ['-c', 'TMPDIR=. exec "$0" test rules "$@" 2>&1', promtool, ...files],
      { cwd: scratch, maxBuffer: 64 * 1024 * 1024, killSignal: 'SIGKILL', signal },
      (_error, stdout) => resolve(stdout),
    )
  })
}
