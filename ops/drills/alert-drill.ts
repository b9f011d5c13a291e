import { SERVICE_NAMES } from '#catalog'
import { alertGroups, renderAlertRules } from '../alerts/render-rules.ts'
import { DRILL_TIMING } from '../alerts/timing.ts'
import type { OpsHost } from '../host.ts'
import { startStack, type Stack } from '../stack.ts'
import { createWatch, serviceTargets, type Watch } from '../watch.ts'
import { waitUntil } from '../wait-until.ts'
import { arrival } from './arrival.ts'
import { type AlertOutcome, type Expected, RECEIVER_OF } from './expectations.ts'
import { drillInhibition } from './inhibition.ts'
import type { Pager } from './pager.ts'
import { PAGE_AND_TICKET, plantedAlerts, type PlantedAlert } from './planted-alerts.ts'
import { type PlantedServer, servePlantedSeries } from './planted-series.ts'
import { checkInhibition, drillHeartbeat, type HeartbeatOutcome } from './drill-checks.ts'
import { newRunId } from '../run-id.ts'

export interface AlertDrillOptions {
  readonly repo: string
  /** A folder of its own: the drill never touches the state of a running stack. */
  readonly home: string
  readonly portBase: number
  readonly host: OpsHost
  readonly pager: Pager
  readonly signal: AbortSignal
  /** `part`: one service that is really down, the planted pages, and the dead man's switch. Default: every alert. */
  readonly scope?: 'part' | 'all'
  /** How long an alert, and its end, may take; default 30 s and 60 s. */
  readonly patience?: { readonly fireMs: number; readonly resolveMs: number }
  /** Called once the drill's own stack and watch stand. */
  readonly onStanding?: () => void
  readonly say: (line: string) => void
}

export interface AlertDrillReport {
  readonly alerts: readonly AlertOutcome[]
  /** Rules that nothing in the drill caused. */
  readonly not_drilled: readonly string[]
  /** Tickets that a page of the same service should have held back, and did not, or was not seen to. */
  readonly not_inhibited: readonly string[]
  readonly heartbeat: HeartbeatOutcome
  /** Deliveries the receiver refused, all of which were repeated. */
  readonly refused_deliveries: number
  readonly broken_annotations: readonly string[]
  readonly passed: boolean
}

/** The parts that every step of the drill works with. */
export interface DrillStage {
  readonly options: AlertDrillOptions
  readonly watch: Watch
  readonly stack: Stack
  readonly planted: PlantedServer
  readonly now: () => number
}

const CALM_MS = 7_000

/** Causes every alert once, for real or by planted series, and sees each arrive at its receiver and resolve. */
export async function drillAlerts(options: AlertDrillOptions): Promise<AlertDrillReport> {
  const { host, pager, say } = options
  const cases = plantedAlerts(() => host.clock.nowMs())
  const all = [...cases, PAGE_AND_TICKET.page, PAGE_AND_TICKET.ticket]
  const series = new Set(all.flatMap((entry) => entry.series))
  const planted = await servePlantedSeries([...series], () => host.clock.monotonicMs())
  say('starting a stack of its own, which is scraped and judged every second')
  const stage = await setStage(options, planted).catch(async (error: unknown) => {
    await planted.stop()
    throw error
  })
  try {
    options.onStanding?.()
    await calm(stage)
    const alerts = await runDrill(stage, cases)
    const notHeldBack = await drillInhibition(stage)
    say("stopping Alertmanager: the dead man's switch must raise")
    const heartbeat = await drillHeartbeat(stage)
    return reportOf({ alerts, notHeldBack, heartbeat, pager, cases, isPart: options.scope === 'part' })
  } finally {
    await stage.stack.stop()
    await stage.watch.stop()
    await planted.stop()
  }
}

async function setStage(options: AlertDrillOptions, planted: PlantedServer): Promise<DrillStage> {
  const { repo, home, portBase, host, signal, pager } = options
  const shared = { repo, home, portBase, host, signal, runId: newRunId(host.clock) }
  const to = (name: string) => ({ webhook_configs: [{ url: `${pager.url}/${name}`, send_resolved: true }] })
  const watch = await createWatch({
    ...shared,
    scrapeIntervalSeconds: 1,
    alertRules: renderAlertRules(DRILL_TIMING),
    alertWaits: { pageSeconds: 0, ticketSeconds: 1, intervalSeconds: 1 },
    receivers: { page: to('page'), ticket: to('ticket'), heartbeat: to('heartbeat') },
    plantedTarget: planted.address,
  })
  try {
    const stack = await startStack({ ...shared, ops: watch.ops })
    return { options, watch, stack, planted, now: () => host.clock.monotonicMs() }
  } catch (error) {
    await watch.stop()
    throw error
  }
}

async function runDrill(stage: DrillStage, cases: readonly PlantedAlert[]): Promise<readonly AlertOutcome[]> {
  const { say, pager, scope } = stage.options
  say('SIGSTOP memory-engine; the receiver refuses the first two deliveries')
  pager.failNext('/page', 2)
  const down = await cause(
    stage,
    [{ alert: 'ServiceDown', severity: 'critical', service: 'memory-engine' }],
    {
      start: () => void stage.stack.kill('memory-engine', 'SIGSTOP'),
      end: () => void stage.stack.kill('memory-engine', 'SIGCONT'),
    },
  )
  if (scope === 'part') return [...down, ...(await plantSeverity(stage, cases, 'critical'))]
  say('SIGKILL openclaw: restarted, and a ticket')
  // Its ticket stays until the restart has left the window, so the other steps go on meanwhile.
  const restarted = cause(stage, [{ alert: 'ServiceRestarted', severity: 'warning', service: 'openclaw' }], {
    start: () => void stage.stack.kill('openclaw', 'SIGKILL'),
  })
  const waves: AlertOutcome[] = []
  for (const severity of ['critical', 'warning', 'info'] as const) {
    waves.push(...(await plantSeverity(stage, cases, severity)))
    await calm(stage)
  }
  return [...down, ...(await restarted), ...waves, ...(await takeWatchersAway(stage))]
}

async function takeWatchersAway(stage: DrillStage): Promise<readonly AlertOutcome[]> {
  const { say } = stage.options
  say('SIGKILL the Collector')
  const collector = await cause(
    stage,
    [{ alert: 'CollectorDown', severity: 'warning', service: 'collector' }],
    {
      start: () => void stage.watch.kill('collector', 'SIGKILL'),
      end: () => stage.watch.revive('collector'),
    },
  )
  say('taking all six targets away from Prometheus')
  const absent = await cause(
    stage,
    SERVICE_NAMES.map((service) => ({ alert: 'ServiceAbsent', severity: 'critical', service })),
    {
      start: () => stage.watch.setTargets([]),
      end: () => stage.watch.setTargets(serviceTargets(stage.options.portBase)),
    },
  )
  return [...collector, ...absent]
}

function plantSeverity(
  stage: DrillStage,
  cases: readonly PlantedAlert[],
  severity: PlantedAlert['severity'],
): Promise<readonly AlertOutcome[]> {
  const wave = cases.filter((entry) => entry.severity === severity)
  stage.options.say(`planting ${wave.length} series of severity ${severity}`)
  return plantWave(stage, wave)
}

/** Info tells nobody; that it reached Alertmanager is what can be seen. */
async function plantWave(stage: DrillStage, wave: readonly PlantedAlert[]): Promise<readonly AlertOutcome[]> {
  const outcomes = await cause(stage, wave, {
    start: () => stage.planted.setBad(wave.flatMap((entry) => entry.series)),
    end: () => stage.planted.setBad([]),
  })
  return outcomes.map((outcome) => ({ ...outcome, cause: 'planted' as const }))
}

interface Fault {
  start(): void
  end?(): void | Promise<void>
}

/** Starts a fault, waits for each alert, ends the fault, waits for each resolution. */
async function cause(
  stage: DrillStage,
  expected: readonly Expected[],
  fault: Fault,
): Promise<readonly AlertOutcome[]> {
  const startedMs = stage.now()
  fault.start()
  const fired = await Promise.all(expected.map((entry) => arrival(stage, entry, 'firing', startedMs)))
  tellMissing(stage, expected, fired, 'did not arrive')
  const endedMs = stage.now()
  await fault.end?.()
  const resolved = await Promise.all(expected.map((entry) => arrival(stage, entry, 'resolved', endedMs)))
  tellMissing(stage, expected, resolved, 'was not resolved')
  return expected.map(({ alert, severity, service }, index) => ({
    alert,
    severity,
    service,
    cause: 'real',
    receiver: RECEIVER_OF[severity],
    fired_after_ms: since(startedMs, fired[index]),
    resolved_after_ms: since(endedMs, resolved[index]),
  }))
}

function tellMissing(
  stage: DrillStage,
  expected: readonly Expected[],
  seen: readonly (number | undefined)[],
  what: string,
): void {
  for (const [index, { alert, severity, service }] of expected.entries()) {
    if (seen[index] === undefined) stage.options.say(`${alert} ${severity} of ${service} ${what} in time`)
  }
}

function since(fromMs: number, atMs: number | undefined): number | null {
  return atMs === undefined ? null : Math.round(atMs - fromMs)
}

/** Nothing is planted long enough for the windows to hold only calm values. */
async function calm(stage: DrillStage): Promise<void> {
  stage.planted.setBad([])
  const until = stage.now() + CALM_MS
  const { signal, host } = stage.options
  const over = () => (stage.now() >= until ? true : undefined)
  await waitUntil(over, { clock: host.clock, timeoutMs: 2 * CALM_MS, intervalMs: 100, signal })
}

function reportOf(parts: {
  alerts: readonly AlertOutcome[]
  notHeldBack: readonly string[]
  heartbeat: HeartbeatOutcome
  pager: Pager
  cases: readonly PlantedAlert[]
  /** A part leaves rules out on purpose. */
  isPart: boolean
}): AlertDrillReport {
  const { alerts, notHeldBack, heartbeat, pager, cases, isPart } = parts
  const seen = new Set([...alerts.map((entry) => `${entry.alert} ${entry.severity}`), 'Watchdog info'])
  const rules = Object.values(alertGroups(DRILL_TIMING)).flat()
  const not_drilled = [...new Set(rules.map((rule) => `${rule.alert} ${rule.severity}`))].filter(
    (name) => !seen.has(name),
  )
  const not_inhibited = [...notHeldBack, ...checkInhibition(pager, cases)]
  const broken_annotations = pager.notices
    .filter((notice) =>
      Object.values(notice.annotations).some((text) => /error expanding|<no value>/.test(text)),
    )
    .map((notice) => notice.alert)
  const allCame = alerts.every((entry) => entry.fired_after_ms !== null && entry.resolved_after_ms !== null)
  const faults = [...(isPart ? [] : not_drilled), ...not_inhibited, ...broken_annotations]
  const passed = allCame && faults.length === 0 && heartbeat.passed && pager.refusals === 2
  return {
    alerts,
    not_drilled,
    not_inhibited,
    heartbeat,
    refused_deliveries: pager.refusals,
    broken_annotations,
    passed,
  }
}
