import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AlertDrillReport } from '#ops/drills/alert-drill.ts'
import type { Stack } from '#ops/stack.ts'
import { OBSERVABILITY_CHECKS, type ObservabilityCheck } from '../observability/checks.ts'
import { drillBeside } from '../observability/drill.ts'
import { drillScope } from '../observability/drill-scope.ts'
import { type ForcedError, forceErrors, newMark } from '../observability/error-cases.ts'
import { type SentRequest, sendKnownRequests } from '../observability/known-requests.ts'
import { lookAtDashboards } from '../observability/dashboards.ts'
import { lookAtExemplars, lookAtLogLines, lookAtRequests, lookUpByCommand } from '../observability/look.ts'
import { readLogLines } from '../observability/log-lines.ts'
import { settledSpans } from '../observability/settled-spans.ts'
import { plannedSecondsOf } from '../run-parameters.ts'
import { type GateContext, type GateRunner, startGateStack, stopGateStack } from './gate-context.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'

const GATE = 'observability'
const LOG_SCHEMA = ['services', 'chassis', 'log-line.schema.json'] as const

/** Counts one observation; what did not hold is said and kept. */
export type Count = (check: ObservabilityCheck, isHeld: boolean, said?: string) => void

/** Gate 5: what one request leaves in logs, traces and metrics; errors, exemplars, alerts and commands. */
export const observeObservability: GateRunner = async (context) => {
  const { watch, keep, profile, host } = context
  watch.ops.declareChecks(GATE, OBSERVABILITY_CHECKS)
  const faults: { check: string; said: string }[] = []
  const count: Count = (check, isHeld, said) => {
    watch.ops.countCheck(GATE, check, isHeld ? 'pass' : 'fail')
    if (isHeld) return
    faults.push({ check, said: said ?? '' })
    context.progress.say(`observability: ${check} did not hold${said === undefined ? '' : `: ${said}`}`)
  }
  const since = host.clock.nowMs() / 1000
  const stack = await startGateStack(context, GATE).catch((error: unknown) => {
    context.signal.throwIfAborted()
    context.progress.say(`observability: the stack did not start: ${String(error)}`)
    return null
  })
  const drill = await startDrill(context)
  // Two stacks that start take the whole machine: the window opens when both stand.
  const start = await openWindow(context).catch(async (error: unknown) => {
    await drill.report.catch(() => null)
    throw error
  })
  count('start', stack !== null)
  // Both to their end, whatever becomes of the other: each stops what it started.
  const [seen, drilled] = await Promise.allSettled([
    stack === null ? undefined : observeStack(context, { stack, since }, count),
    drill.report.then((report) => countDrill(context, report, count)),
  ])
  for (const outcome of [seen, drilled]) if (outcome.status === 'rejected') throw outcome.reason
  if (stack !== null) watch.ops.countCheck(GATE, 'complete', 'pass')
  keep({ path: `gates/${GATE}/faults.json`, content: `${JSON.stringify({ faults }, null, 2)}\n` })
  const report = await drill.report
  keep({ path: `gates/${GATE}/alert-drill.json`, content: `${JSON.stringify(report, null, 2)}\n` })
  const end = await freezeEnd(context)
  return { gate: GATE, start, end, planned_seconds: plannedSecondsOf(GATE, profile) }
}

async function observeStack(
  context: GateContext,
  { stack, since }: { readonly stack: Stack; readonly since: number },
  count: Count,
): Promise<void> {
  const home = join(context.home, 'stack')
  const address = { home, portBase: context.portBase }
  const mark = newMark()
  let requests: readonly SentRequest[] = []
  let errors: readonly ForcedError[] = []
  try {
    requests = await sendKnownRequests(address, { mark, signal: context.signal })
    errors = await forceErrors(address, mark)
    // One whole scrape after the last request, so that its exemplar can have been taken.
    const end = await freezeEnd(context)
    const spans = await settledSpans(context, requests)
    await lookAtExemplars(context, { start: since, end }, { spans, count })
    await lookAtDashboards(context, count)
  } finally {
    await stopGateStack(context, stack)
  }
  await lookAtWhatIsLeft(context, { requests, errors, home }, count)
}

interface Left {
  readonly requests: readonly SentRequest[]
  readonly errors: readonly ForcedError[]
  readonly home: string
}

async function lookAtWhatIsLeft(context: GateContext, { requests, errors, home }: Left, count: Count) {
  const ids = new Set([...requests, ...errors].map(({ correlationId }) => correlationId))
  const homes = (await readdir(context.home)).map((name) => join(context.home, name))
  const reading = await readLogLines(homes, {
    schemaFile: join(context.host.repository, ...LOG_SCHEMA),
    isWanted: (id) => ids.has(id),
  })
  lookAtLogLines(context, reading)
  lookAtRequests({ requests, reading, spans: await settledSpans(context, requests) }, count)
  for (const error of errors) {
    const isLogged = reading.codes.get(error.correlationId)?.has(error.case.code) ?? false
    const name = `${error.case.service} ${error.case.code}`
    count(
      'error-code',
      error.isAnswered && isLogged,
      `${name}: answered ${error.isAnswered}, logged ${isLogged}`,
    )
  }
  await lookUpByCommand(context, { home, requests, reading }, count)
}

/** The drill runs on while the gate looks at its own stack; it stands when this returns, or has failed to. */
async function startDrill(
  context: GateContext,
): Promise<{ readonly report: Promise<AlertDrillReport | null> }> {
  await mkdir(join(context.home, 'drill'), { recursive: true })
  const standing = Promise.withResolvers<void>()
  const report = drillBeside(context, standing.resolve).catch((error: unknown) => {
    context.signal.throwIfAborted()
    context.progress.say(`observability: the alert drill ended early: ${String(error)}`)
    return null
  })
  report.catch(() => undefined)
  await Promise.race([standing.promise, report])
  return { report }
}

function countDrill(context: GateContext, drill: AlertDrillReport | null, count: Count): void {
  if (drill === null) {
    count('alert', false, 'the drill did not end')
    return
  }
  for (const {
    alert,
    severity,
    service,
    fired_after_ms: fired,
    resolved_after_ms: resolved,
  } of drill.alerts) {
    count('alert', fired !== null && resolved !== null, `${alert} ${severity} of ${service}`)
  }
  if (drillScope(context.profile) === 'all')
    count('alert-rules', drill.not_drilled.length === 0, drill.not_drilled.join(', '))
  count('inhibition', drill.not_inhibited.length === 0, drill.not_inhibited.join(', '))
  count('annotations', drill.broken_annotations.length === 0, drill.broken_annotations.join(', '))
  count('retry', drill.refused_deliveries > 0, 'no refused delivery was seen')
  count('watchdog', drill.heartbeat.passed, 'the heartbeat was not heard, or its silence not noticed')
  timeDrill(context, drill)
}

/** The slowest page of a service that was really stopped, and its slowest resolution. */
function timeDrill({ watch }: GateContext, { alerts }: AlertDrillReport): void {
  const down = alerts.filter(({ alert, cause }) => alert === 'ServiceDown' && cause === 'real')
  const slowest = (read: (entry: (typeof alerts)[number]) => number | null) =>
    Math.max(...down.map((entry) => read(entry) ?? Number.POSITIVE_INFINITY)) / 1000
  watch.ops.setCheckDuration(
    GATE,
    'page',
    slowest((entry) => entry.fired_after_ms),
  )
  watch.ops.setCheckDuration(
    GATE,
    'resolved',
    slowest((entry) => entry.resolved_after_ms),
  )
}
