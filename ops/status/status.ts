import { SERVICE_NAMES } from '#catalog'
import { probe } from '../readiness.ts'
import { servicePorts } from '../service-programs.ts'
import { watchPorts } from '../watch.ts'
import { askFigures, type ServiceFigures, type ServiceState, type StatusFigures } from './figures.ts'

export interface StatusAnswer {
  readonly figures: StatusFigures
  /** Why figures are missing; undefined when Prometheus answered. */
  readonly note: string | undefined
}

/** Figures of Prometheus; when it does not answer, what the services say for themselves. */
export async function readStatus(portBase: number): Promise<StatusAnswer> {
  try {
    return {
      figures: await askFigures(`http://127.0.0.1:${watchPorts(portBase).prometheus}`),
      note: undefined,
    }
  } catch {
    return { figures: await askServices(portBase), note: 'Prometheus does not answer: states only' }
  }
}

/** True when not one service answers: nothing runs at this port base. */
export function nothingRuns(answer: StatusAnswer): boolean {
  return answer.figures.services.every(({ state }) => state === 'DOWN' || state === 'UNKNOWN')
}

async function askServices(portBase: number): Promise<StatusFigures> {
  const ports = servicePorts(portBase)
  const services = await Promise.all(
    SERVICE_NAMES.map(async (service): Promise<ServiceFigures> => {
      const state = stateOf((await probe(ports[service], '/healthz'))?.body)
      return { service, state, errors: null, p95Seconds: null, work: null, active: null, memoryBytes: null }
    }),
  )
  const unknown = { uptimeSeconds: null, errorRatio: null, p95Seconds: null, alerts: null }
  return { ...unknown, services, nextBackupAt: null, lastVerifiedBackupAt: null }
}

function stateOf(body: string | undefined): ServiceState {
  if (body === undefined) return 'DOWN'
  try {
    const { status } = JSON.parse(body) as { status?: string }
    return status === 'OK' || status === 'DEGRADED' ? status : 'UNKNOWN'
  } catch {
    return 'UNKNOWN'
  }
}
