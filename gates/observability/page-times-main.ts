import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startPager } from '../doubles/pager.ts'
import { systemClock } from '../host.ts'
import { measurePageTimes, type PageTime } from './page-times.ts'

/** page-times-main.ts [--short] [--port-base N]: a table of page times; --short takes the drill's settings alone. */
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, 'port-base': { type: 'string', default: '7000' } },
})
const LIMITS_MS = { production: 90_000, drill: 10_000 } as const
const seconds = (ms: number | null) => (ms === null ? 'never' : `${(ms / 1_000).toFixed(1)} s`)
const row = (one: PageTime) =>
  `| ${one.service} | ${one.fault} | ${seconds(one.pageMs)} | ${seconds(one.resolvedMs)} | ${one.pages} | ${one.tickets} |`

let isReached = true
for (const settings of values.short ? (['drill'] as const) : (['production', 'drill'] as const)) {
  const home = await mkdtemp(join(tmpdir(), 'sonia-pages-'))
  const pager = await startPager({ port: 0, nowMs: () => systemClock.monotonicMs() })
  const measuring = measurePageTimes({
    repo: fileURLToPath(new URL('../..', import.meta.url)),
    home,
    portBase: Number(values['port-base']),
    host: { env, clock: systemClock },
    pager,
    settings,
    say: (line) => process.stderr.write(`${line}\n`),
  })
  await Promise.allSettled([measuring])
  await pager.stop()
  await rm(home, { recursive: true, force: true })
  const times = await measuring
  const slowestMs = Math.max(...times.map(({ pageMs }) => pageMs ?? Number.POSITIVE_INFINITY))
  const isGood = slowestMs < LIMITS_MS[settings] && times.every(isOnce)
  isReached &&= isGood
  const verdict = isGood ? 'reached' : 'missed'
  const lines = [
    `${settings} settings: slowest page ${seconds(slowestMs)}, under ${seconds(LIMITS_MS[settings])} asked: ${verdict}`,
    '',
    '| service | fault | page after | resolved after | pages | tickets |',
    '|---|---|---|---|---|---|',
    ...times.map(row),
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
process.exitCode = isReached ? 0 : 1

function isOnce({ pages, tickets, resolvedMs }: PageTime): boolean {
  return pages === 1 && tickets === 0 && resolvedMs !== null
}
