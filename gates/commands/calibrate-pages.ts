import { join } from 'node:path'
import type { Family } from '../calibrate/histories/families.ts'
import { countPages, type PageCounts } from '../calibrate/pages/count-pages.ts'
import type { Binaries } from '../calibrate/planted/judge-cases.ts'
import { CliError, EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import type { Host } from '../host.ts'

export interface PagesAsked {
  readonly families: readonly Family[]
  readonly histories: number
  readonly seed: number
  readonly workers: number
  readonly isJson: boolean
}

/** Evaluates the rules that page over simulated stacks; fails where a healthy one pages. */
export async function runPages(asked: PagesAsked, host: Host, binaries: Binaries): Promise<ExitCode> {
  const families = asked.families.filter(({ series }) => series === 'memory')
  if (families.length === 0) throw new CliError(EXIT_CODES.badUsage, '--families names no family of memory')
  const say = (text: string) => {
    if (!asked.isJson) host.stdout.write(text)
  }
  say(`${'family'.padEnd(26)}stacks  histories  paged\n`)
  const counts = await countPages({
    ...asked,
    ...binaries,
    families,
    rules: join(host.repository, 'prometheus', 'rules', 'alerts.rules.yml'),
    onFamily: (one) => say(render(one)),
  })
  if (asked.isJson) host.stdout.write(`${JSON.stringify(counts)}\n`)
  if (host.interrupted.aborted) {
    const rest = families.filter(({ id }) => !counts.some(({ family }) => family === id))
    host.stderr.write(
      `sonia: interrupted\n  try: the rest with --families ${rest.map(({ id }) => id).join(',')}\n`,
    )
  }
  const isFalse = counts.some(({ kind, pages }) => kind === 'healthy' && pages.length > 0)
  return isFalse ? EXIT_CODES.gateFailed : EXIT_CODES.passed
}

function render({ family, kind, stacks, histories, paged, pages }: PageCounts): string {
  const byAlert = Map.groupBy(pages, ({ alert }) => alert)
  const alerts = [...byAlert].map(([alert, own]) => ` ${alert} of ${own.length} services`).join(',')
  const note = kind === 'healthy' && pages.length > 0 ? ' FALSE' : ''
  const head = `${family.padEnd(26)}${String(stacks).padStart(6)}${String(histories).padStart(11)}`
  return `${head}  ${paged.count} of ${stacks}${alerts}${note}\n`
}
