import { THRESHOLDS } from '#ops/thresholds.ts'
import type { PrometheusClient } from '../engine/prometheus-client.ts'
import type { Profile } from '../profiles.ts'
import { plannedIterations } from '../run-parameters.ts'

/** A voice session is counted twice: its start and its end. */
const RESPONSES_PER_VOICE_SESSION = 2

/** Number of failed responses that loses the soak, however the rest goes: the 864th of 172,800. */
export function errorBudget(profile: Profile): number {
  const { chat, action, voice } = plannedIterations(profile)
  const responses = chat + action + RESPONSES_PER_VOICE_SESSION * voice
  return Math.ceil(THRESHOLDS.soakErrorRatio * responses)
}

const ERRORS = 'sum(k6_responses_total{outcome!="ok"})'

/** Failed responses so far; 0 while there are none, and where Prometheus does not say: only the gate judges. */
export async function errorsSoFar(client: PrometheusClient, nowSeconds: number): Promise<number> {
  const { data, fault } = await client.instant(ERRORS, nowSeconds)
  const errors = Number(data[0]?.value ?? 0)
  return fault === null && Number.isFinite(errors) ? errors : 0
}
