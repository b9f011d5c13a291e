import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { OPS_METRICS, type OpsMetric, type OpsMetricName } from './metric-registry.ts'

/** Outcomes every declared check starts with, at 0: `increase` would miss the first event of a counter born at 1. */
export const CHECK_OUTCOMES = ['pass', 'fail', 'late', 'error'] as const
export type CheckOutcome = (typeof CHECK_OUTCOMES)[number]

export type Verdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE'
const VERDICT_VALUE: Readonly<Record<Verdict, number>> = { PASS: 1, INCONCLUSIVE: 0.5, FAIL: 0 }

/** Numbers of one judged criterion; those that do not exist for its kind are left out. */
export interface CriterionNumbers {
  readonly value?: number
  readonly bound?: number
  readonly limit?: number
  readonly resolution?: number
}

/** What the supervisor and the runners of the gates export; served by `serveOpsMetrics`. */
export interface OpsMetrics {
  readonly registry: Registry
  declareChecks(gate: string, checks: readonly string[]): void
  /** Throws for a check that was not declared: an undeclared one would be born at 1. */
  countCheck(gate: string, check: string, outcome: CheckOutcome, count?: number): void
  setCheckDuration(gate: string, check: string, seconds: number): void
  setLoadPlanned(scenario: string, iterations: number): void
  setVerdict(gate: string, verdict: Verdict): void
  setCriterion(gate: string, criterion: string, numbers: CriterionNumbers): void
  countRestart(service: ServiceName): void
  setBudgetExhausted(service: ServiceName, exhausted: boolean): void
  setStackTimes(cycle: number, times: { startReadySeconds?: number; stopSeconds?: number }): void
  /** Resident memory of this process is sampled from now on under the tool's name, until it is gone. */
  trackTool(tool: string, pid: number): void
  readonly trackedTools: ReadonlyMap<string, number>
  /** The configuration folder of the stack that runs from now on: a change in it shows. */
  trackConfiguration(folder: string): void
  readonly configurationFolder: () => string | null
  /** For what has no method of its own (disk, backups, pressure): a gauge of the registry file. */
  setGauge(name: OpsMetricName, labels: Readonly<Record<string, string>>, value: number): void
  dropGauge(name: OpsMetricName, labels: Readonly<Record<string, string>>): void
  addToCounter(name: OpsMetricName, labels: Readonly<Record<string, string>>, by: number): void
}

export function createOpsMetrics(): OpsMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counters = new Map<OpsMetricName, Counter>()
  const gauges = new Map<OpsMetricName, Gauge>()
  for (const [name, metric] of Object.entries(OPS_METRICS) as [OpsMetricName, OpsMetric][]) {
    const settings = { name, help: metric.help, labelNames: [...metric.labels], registers: [registry] }
    if (metric.type === 'counter') counters.set(name, new Counter(settings))
    else gauges.set(name, new Gauge(settings))
  }
  const counter = (name: OpsMetricName) => known(counters, name)
  const gauge = (name: OpsMetricName) => known(gauges, name)
  for (const service of SERVICE_NAMES) {
    counter('sonia_service_restarts_total').inc({ service }, 0)
    gauge('sonia_service_restart_budget_exhausted').set({ service }, 0)
  }
  clearUnlabelled(gauges)
  return {
    registry,
    ...gateMethods(counter, gauge),
    ...stackMethods(counter, gauge),
    ...rawMethods(counter, gauge),
  }
}

type CounterOf = (name: OpsMetricName) => Counter
type GaugeOf = (name: OpsMetricName) => Gauge

function gateMethods(counter: CounterOf, gauge: GaugeOf) {
  const declared = new Set<string>()
  return {
    declareChecks(gate: string, checks: readonly string[]) {
      for (const check of checks) {
        declared.add(`${gate}/${check}`)
        for (const outcome of CHECK_OUTCOMES)
          counter('sonia_gate_checks_total').inc({ gate, check, outcome }, 0)
      }
    },
    countCheck(gate: string, check: string, outcome: CheckOutcome, count = 1) {
      if (!declared.has(`${gate}/${check}`)) throw new Error(`check ${gate}/${check} was not declared`)
      counter('sonia_gate_checks_total').inc({ gate, check, outcome }, count)
    },
    setCheckDuration(gate: string, check: string, seconds: number) {
      gauge('sonia_gate_check_duration_seconds').set({ gate, check }, seconds)
    },
    setLoadPlanned(scenario: string, iterations: number) {
      gauge('sonia_load_planned_iterations').set({ scenario }, iterations)
    },
    setVerdict(gate: string, verdict: Verdict) {
      gauge('sonia_gate_verdict').set({ gate }, VERDICT_VALUE[verdict])
    },
    setCriterion(gate: string, criterion: string, numbers: CriterionNumbers) {
      for (const key of ['value', 'bound', 'limit', 'resolution'] as const) {
        const number = numbers[key]
        if (number !== undefined) gauge(`sonia_gate_${key}`).set({ gate, criterion }, number)
      }
    },
  }
}

function stackMethods(counter: CounterOf, gauge: GaugeOf) {
  const trackedTools = new Map<string, number>()
  const tracked: { configuration: string | null } = { configuration: null }
  return {
    trackedTools,
    configurationFolder: () => tracked.configuration,
    trackConfiguration(folder: string) {
      tracked.configuration = folder
    },
    countRestart(service: ServiceName) {
      counter('sonia_service_restarts_total').inc({ service })
    },
    setBudgetExhausted(service: ServiceName, exhausted: boolean) {
      gauge('sonia_service_restart_budget_exhausted').set({ service }, exhausted ? 1 : 0)
    },
    setStackTimes(cycle: number, times: { startReadySeconds?: number; stopSeconds?: number }) {
      const labels = { cycle: String(cycle) }
      if (times.startReadySeconds !== undefined)
        gauge('sonia_stack_start_ready_seconds').set(labels, times.startReadySeconds)
      if (times.stopSeconds !== undefined) gauge('sonia_stack_stop_seconds').set(labels, times.stopSeconds)
    },
    trackTool(tool: string, pid: number) {
      trackedTools.set(tool, pid)
    },
  }
}

function rawMethods(counter: CounterOf, gauge: GaugeOf) {
  return {
    setGauge(name: OpsMetricName, labels: Readonly<Record<string, string>>, value: number) {
      gauge(name).set(labels, value)
    },
    dropGauge(name: OpsMetricName, labels: Readonly<Record<string, string>>) {
      gauge(name).remove(labels)
    },
    addToCounter(name: OpsMetricName, labels: Readonly<Record<string, string>>, by: number) {
      counter(name).inc(labels, by)
    },
  }
}

/** prom-client starts gauges without labels at 0; a backup that never happened must be absent, not in 1970. */
function clearUnlabelled(gauges: ReadonlyMap<OpsMetricName, Gauge>): void {
  for (const [name, gauge] of gauges) if (OPS_METRICS[name].labels.length === 0) gauge.remove()
}

function known<T>(metrics: ReadonlyMap<OpsMetricName, T>, name: OpsMetricName): T {
  const metric = metrics.get(name)
  if (metric === undefined) throw new Error(`${name} is no metric of this type`)
  return metric
}
