import { join } from 'node:path'
import { SERVICE_NAMES } from '#catalog'
import { askPrometheus } from '#ops/prometheus-query.ts'
import type { GateContext } from '../runners/gate-context.ts'
import type { Count } from '../runners/observability.ts'
import type { ObservabilityCheck } from './checks.ts'
import { faultsOf, type TraceIndex, tracesOf } from './crossed-services.ts'
import { readExemplars } from './exemplars.ts'
import { REQUEST_KINDS, type SentRequest } from './known-requests.ts'
import type { LogReading } from './log-lines.ts'
import { servicesInLogs, servicesInTrace } from './lookup-commands.ts'

const GATE = 'observability'

/** Every line counts for its service; the first invalid ones are named. */
export function lookAtLogLines({ watch, progress }: GateContext, reading: LogReading): void {
  for (const service of SERVICE_NAMES) {
    watch.ops.countCheck(GATE, `log-lines ${service}`, 'pass', reading.valid[service])
    watch.ops.countCheck(GATE, `log-lines ${service}`, 'fail', reading.invalidCount[service])
  }
  for (const { service, problem } of reading.invalid)
    progress.say(`observability: a log line of ${service} is not valid: ${problem}`)
}

/** Each request: answered, in the logs of every service it crossed, and in one trace with the right edges. */
export function lookAtRequests(
  seen: {
    readonly requests: readonly SentRequest[]
    readonly reading: LogReading
    readonly spans: TraceIndex
  },
  count: Count,
): void {
  for (const { correlationId, kind, isAnswered } of seen.requests) {
    count('answered', isAnswered, `${correlationId} (${kind.name})`)
    const faults = faultsOf(tracesOf(correlationId, seen.spans, seen.reading.services), kind.edges)
    count('request', faults.length === 0, `${correlationId}: ${faults.join('; ')}`)
  }
}

/** Every exemplar must lead to a trace; every route that was asked must have one. */
export async function lookAtExemplars(
  { watch }: GateContext,
  window: { readonly start: number; readonly end: number },
  { spans, count }: { readonly spans: TraceIndex; readonly count: Count },
): Promise<void> {
  const exemplars = await readExemplars(watch.prometheusUrl, window)
  for (const { service, route, traceId } of exemplars)
    count('exemplar', spans.byTrace.has(traceId), `${traceId} of ${service} ${route} leads nowhere`)
  const withExemplar = new Set(exemplars.map(({ service, route }) => `${service} ${route}`))
  for (const asked of await askedRoutes(watch.prometheusUrl))
    count('exemplar-route', withExemplar.has(asked), `${asked} has no exemplar`)
}

/** Routes whose requests Prometheus counted since the stack of this gate was started. */
async function askedRoutes(prometheusUrl: string): Promise<readonly string[]> {
  const query = 'sum by (service,route) (sonia_http_request_duration_seconds_count{job="sonia"}) > 0'
  const answer = await askPrometheus(prometheusUrl, query)
  return answer.map(({ labels }) => `${labels['service']} ${labels['route']}`)
}

/** What was planted is found by the commands a person would use: one request of each kind. */
export async function lookUpByCommand(
  { host, home }: GateContext,
  seen: { readonly home: string; readonly requests: readonly SentRequest[]; readonly reading: LogReading },
  count: Count,
): Promise<void> {
  for (const kind of REQUEST_KINDS) {
    const correlationId = seen.requests.find((request) => request.kind === kind)?.correlationId ?? ''
    const services = new Set(kind.edges.flatMap((edge) => edge.split(' -> ')))
    const look = async (check: ObservabilityCheck, find: () => Promise<ReadonlySet<string>>) => {
      const found = await find().catch((error: unknown) => String(error))
      const isHeld = typeof found !== 'string' && services.isSubsetOf(found)
      count(check, isHeld, `${correlationId}: ${typeof found === 'string' ? found : [...found].join(', ')}`)
    }
    await look('logs-command', () => servicesInLogs(host, seen.home, correlationId))
    await look('trace-command', () => servicesInTrace(host, join(home, 'watch'), correlationId))
  }
}
