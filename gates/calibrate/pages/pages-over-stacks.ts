import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { HealthyStack } from './healthy-stack.ts'

export interface PagingSettings {
  readonly promtool: string
  /** The committed file of alert rules. */
  readonly rules: string
  readonly scratchParent: string
  readonly signal?: AbortSignal
}

/** An alert that pages, seen firing for a service at some moment of a stack. */
export interface FalsePage {
  readonly stack: string
  readonly alert: string
  readonly service: string
}

interface RuleFile {
  readonly groups: readonly {
    readonly name: string
    readonly rules: readonly { readonly labels: Readonly<Record<string, string>> }[]
  }[]
}

/** Severity whose alerts go to the pager; see alertmanager.yml. */
const PAGES = 'critical'
const FIRED = `count by (alertname, service) (count_over_time(ALERTS{alertstate="firing",severity="${PAGES}"}[49h]))`

/** Evaluates the rules that page over a whole stack, minute by minute, in promtool: which of them fired at any time. */
export async function pagesOver(
  stack: HealthyStack,
  { promtool, rules, scratchParent, signal }: PagingSettings,
): Promise<readonly FalsePage[]> {
  const scratch = await mkdtemp(join(scratchParent, 'sonia-pages-'))
  try {
    await writeFile(join(scratch, 'paging.rules.yml'), pagingRules(await readFile(rules, 'utf8')))
    await writeFile(join(scratch, 'stack.test.yml'), testOf(stack))
    const output = await outputOfTest(promtool, scratch, signal)
    return readPages(output, stack.name)
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
}

function pagingRules(text: string): string {
  const { groups } = parse(text) as RuleFile
  const paging = groups.map((group) => ({
    ...group,
    rules: group.rules.filter(({ labels }) => labels['severity'] === PAGES),
  }))
  return stringify({ groups: paging.filter(({ rules }) => rules.length > 0) })
}

function testOf({ name, series }: HealthyStack): string {
  const input_series = series.map((one) => ({
    series: one.series,
    values: one.values.map((value) => value ?? '_').join(' '),
  }))
  const promql_expr_test = [{ expr: FIRED, eval_time: '48h', exp_samples: [] }]
  const tests = [{ name, interval: '1m', input_series, promql_expr_test }]
  const rule_files = ['paging.rules.yml']
  return stringify({ rule_files, evaluation_interval: '1m', tests }, { lineWidth: 0 })
}

function outputOfTest(promtool: string, folder: string, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'env',
      [`TMPDIR=${folder}`, promtool, 'test', 'rules', 'stack.test.yml'],
      { cwd: folder, maxBuffer: 16 * 1024 * 1024, killSignal: 'SIGKILL', ...(signal && { signal }) },
      (error, stdout, stderr) => {
        if (signal?.aborted === true) reject(error ?? new Error('interrupted'))
        else resolve(`${stdout}${stderr}`)
      },
    )
  })
}

/** Success is silence; what was got where nothing was expected are the pages; all else is no answer. */
export function readPages(output: string, stack: string): readonly FalsePage[] {
  if (/^ *SUCCESS/m.test(output)) return []
  const got = /got: ([^\n]+)/.exec(output)?.[1] ?? ''
  const pages = [...got.matchAll(/\{alertname="([^"]+)"(?:, service="([^"]*)")?\}/g)].map(
    ([, alert = '', service = '']) => ({ stack, alert, service }),
  )
  if (pages.length === 0) throw new Error(`promtool could not evaluate ${stack}: ${output.slice(0, 500)}`)
  return pages
}
