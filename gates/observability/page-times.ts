import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { renderAlertRules } from '#ops/alerts/render-rules.ts'
import { DRILL_TIMING } from '#ops/alerts/timing.ts'
import type { Pager, PagerNotice } from '#ops/drills/pager.ts'
import type { OpsHost } from '#ops/host.ts'
import { newRunId } from '#ops/run-id.ts'
import { type Stack, startStack } from '#ops/stack.ts'
import { waitUntil } from '#ops/wait-until.ts'
import { createWatch, type Watch, type WatchOptions } from '#ops/watch.ts'

export interface PageTimesOptions {
  readonly repo: string
  readonly home: string
  readonly portBase: number
  readonly host: OpsHost
  readonly pager: Pager
  readonly settings: 'production' | 'drill'
  readonly say: (line: string) => void
}

/** One service that went down, until its page came and until it was taken back. */
export interface PageTime {
  readonly service: ServiceName
  readonly fault: 'SIGSTOP' | 'past its restart budget'
  readonly pageMs: number | null
  /** From the moment it was back. */
  readonly resolvedMs: number | null
  /** Pages that came for it meanwhile. */
  readonly pages: number
  /** Tickets that came for it after its page: none, they are held back. */
  readonly tickets: number
}

/** Down for good, where the others hang: killed until the supervisor gives it up. */
const KILLED: ServiceName = 'openclaw'

/** Production: the committed rules and waits, scrapes every 15 s. Faults follow each other through one scrape interval. */
const SETTINGS = {
  production: { scrapeIntervalSeconds: 15, apartMs: 2_500, pageWaitMs: 120_000, resolveWaitMs: 240_000 },
  drill: { scrapeIntervalSeconds: 1, apartMs: 170, pageWaitMs: 30_000, resolveWaitMs: 60_000 },
} as const

/** Takes every service down once and measures how long its page takes to the receiver, and its end. */
export async function measurePageTimes(options: PageTimesOptions): Promise<readonly PageTime[]> {
  const { say, settings, host } = options
  const shared = sharedOf(options)
  const watch = await createWatch({ ...shared, ...watchOptionsOf(options) })
  const downSince = new Map<ServiceName, number>()
  let stack: Stack | undefined
  try {
    const givenUp = Promise.withResolvers<void>()
    const onEvent = ({ kind, service }: { kind: string; service: ServiceName }) => {
      if (kind === 'given_up' && service === KILLED) givenUp.resolve()
    }
    stack = await startStack({ ...shared, ops: watch.ops, onEvent })
    await untilScraped(options, watch)
    for (const service of SERVICE_NAMES) {
      say(`${service} goes down`)
      if (service === KILLED) await killUntilGivenUp(stack, givenUp.promise)
      else stack.kill(service, 'SIGSTOP')
      downSince.set(service, host.clock.monotonicMs())
      await pause(SETTINGS[settings].apartMs)
    }
    const paged = await Promise.all(
      SERVICE_NAMES.map((service) => notice(options, service, 'firing', downSince.get(service) ?? 0)),
    )
    say('taking all of them back')
    const backSince = await takeBack(options, stack)
    const ended = await Promise.all(
      SERVICE_NAMES.map((service) => notice(options, service, 'resolved', backSince.get(service) ?? 0)),
    )
    return SERVICE_NAMES.map((service, index) =>
      timeOf(options, service, {
        downMs: downSince.get(service) ?? 0,
        backMs: backSince.get(service) ?? 0,
        page: paged[index],
        end: ended[index],
      }),
    )
  } finally {
    await stack?.stop()
    await watch.stop()
  }
}

/** Since when each is back: at once where it hung, with its new start where it was given up. */
async function takeBack({ host }: PageTimesOptions, stack: Stack): Promise<ReadonlyMap<ServiceName, number>> {
  const backSince = new Map<ServiceName, number>()
  for (const service of SERVICE_NAMES) {
    if (service === KILLED) continue
    stack.kill(service, 'SIGCONT')
    backSince.set(service, host.clock.monotonicMs())
  }
  await stack.revive(KILLED)
  return backSince.set(KILLED, host.clock.monotonicMs())
}

function sharedOf({ repo, home, portBase, host }: PageTimesOptions) {
  return { repo, home, portBase, host, runId: newRunId(host.clock) }
}

type WatchPart = Pick<WatchOptions, 'scrapeIntervalSeconds' | 'receivers' | 'alertRules' | 'alertWaits'>

function watchOptionsOf({ pager, settings }: PageTimesOptions): WatchPart {
  const to = (name: string) => ({ webhook_configs: [{ url: `${pager.url}/${name}`, send_resolved: true }] })
  const { scrapeIntervalSeconds } = SETTINGS[settings]
  const shared = { scrapeIntervalSeconds, receivers: { page: to('page'), ticket: to('ticket') } }
  if (settings === 'production') return shared
  const alertWaits = { pageSeconds: 0, ticketSeconds: 1, intervalSeconds: 1 }
  return { ...shared, alertRules: renderAlertRules(DRILL_TIMING), alertWaits }
}

async function killUntilGivenUp(stack: Stack, givenUp: Promise<void>): Promise<void> {
  const isOver = givenUp.then(() => true)
  const tryAgain = async () => {
    stack.kill(KILLED, 'SIGKILL')
    await pause(KILL_PAUSE_MS)
    return false
  }
  for (let over = false; !over; ) over = await Promise.race([isOver, tryAgain()])
}

const KILL_PAUSE_MS = 200

/** A service that was never seen up is absent, not down. */
async function untilScraped({ host, settings }: PageTimesOptions, watch: Watch): Promise<void> {
  const query = encodeURIComponent('count(up{job="sonia"} == 1) == 6')
  const ask = async () => {
    const answer = await fetch(`${watch.prometheusUrl}/api/v1/query?query=${query}`)
    const { data } = (await answer.json()) as { data: { result: readonly unknown[] } }
    return data.result.length > 0 ? true : undefined
  }
  const timeoutMs = SETTINGS[settings].pageWaitMs
  const seen = await waitUntil(ask, { clock: host.clock, timeoutMs, intervalMs: 200 })
  if (seen === undefined) throw new Error('the six services were not scraped in time')
}

function notice(
  { host, pager, settings }: PageTimesOptions,
  service: ServiceName,
  status: PagerNotice['status'],
  sinceMs: number,
): Promise<PagerNotice | undefined> {
  const { pageWaitMs, resolveWaitMs } = SETTINGS[settings]
  const ask = () => pager.notices.find((one) => isPage(one, service, status) && one.atMs >= sinceMs)
  const timeoutMs = status === 'firing' ? pageWaitMs : resolveWaitMs
  return waitUntil(ask, { clock: host.clock, timeoutMs, intervalMs: 20 })
}

function isPage(one: PagerNotice, service: ServiceName, status: PagerNotice['status']): boolean {
  return (
    one.receiver === 'page' && one.alert === 'ServiceDown' && one.service === service && one.status === status
  )
}

interface Seen {
  readonly downMs: number
  readonly backMs: number
  readonly page: PagerNotice | undefined
  readonly end: PagerNotice | undefined
}

function timeOf({ pager }: PageTimesOptions, service: ServiceName, seen: Seen): PageTime {
  const { downMs, backMs, page, end } = seen
  const untilMs = end?.atMs ?? Number.POSITIVE_INFINITY
  const meanwhile = pager.notices.filter(({ atMs }) => atMs >= downMs && atMs < untilMs)
  return {
    service,
    fault: service === KILLED ? 'past its restart budget' : 'SIGSTOP',
    pageMs: page === undefined ? null : Math.round(page.atMs - downMs),
    resolvedMs: end === undefined ? null : Math.round(end.atMs - backMs),
    pages: meanwhile.filter((one) => isPage(one, service, 'firing')).length,
    // The restarts before it was given up are a ticket of their own right, which leaves before the page is known.
    tickets: meanwhile.filter(({ receiver, service: of, status, atMs }) => {
      return receiver === 'ticket' && of === service && status === 'firing' && atMs > (page?.atMs ?? downMs)
    }).length,
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
