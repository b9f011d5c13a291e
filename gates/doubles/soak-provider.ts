import { portAt, WATCH_PORTS } from '#catalog'
import type { Fault, FaultRule } from './faults.ts'
import { startUpstreamDouble } from './upstream.ts'

/** The provider that the soak's stack is configured with: the double over real HTTP, failing a little all the time. */
export interface SoakProvider {
  /** The section `services["model-router"]` that makes the stack use it. */
  readonly configuration: Readonly<Record<string, unknown>>
  /** What it was asked and which faults it played, for the evidence. */
  record(): Readonly<Record<string, unknown>>
  stop(): Promise<void>
}

const FAILING_MODEL = 'primary'
const SPARE_MODEL = 'spare'

/**
 * Faults that the router's contract absorbs, whole answers and streams alike: before the first token the next
 * candidate answers, and the client sees a degraded answer, never an error.
 */
const ABSORBED: readonly Fault[] = [
  { kind: 'refuse' },
  { kind: 'status', status: 500 },
  { kind: 'cut', tokens: 0 },
  { kind: 'malformed_chunk', tokens: 0 },
  { kind: 'stall_before_token' },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, retry_after: '1' },
]

/** One request in sixty meets a fault: each kind is met in the shortest soak, and few enough that no alert fires. */
const FAULT_EVERY = 60
const ANSWER_MS = 2000

/** On a port that the run's base fixes: the configuration names it, and its digest must not change between runs. */
export async function startSoakProvider(portBase: number): Promise<SoakProvider> {
  const double = await startUpstreamDouble({ port: soakProviderPort(portBase) })
  const rules = soakFaults()
  double.faults.set(rules)
  return {
    configuration: {
      providers: {
        primary: { kind: 'openai', base_url: double.baseUrl, models: [{ name: FAILING_MODEL }] },
        spare: { kind: 'openai', base_url: double.baseUrl, models: [{ name: SPARE_MODEL }] },
      },
      profiles: { chat_low_latency: { first_token_ms: ANSWER_MS, complete_ms: ANSWER_MS } },
    },
    record() {
      const { seen: _texts, ...counters } = double.state()
      return { ...counters, faults_taken: double.faults.taken(), rules }
    },
    stop: () => double.close(),
  }
}

export function soakProviderPort(portBase: number): number {
  return portAt(WATCH_PORTS.upstreamDouble, portBase)
}

export function soakFaults(): readonly FaultRule[] {
  const every = FAULT_EVERY * ABSORBED.length
  return ABSORBED.map((fault, index) => ({
    model: FAILING_MODEL,
    every,
    offset: (index + 1) * FAULT_EVERY - 1,
    fault,
  }))
}
