import { THRESHOLDS } from '#ops/thresholds.ts'
import type { PrometheusClient } from '../engine/prometheus-client.ts'
import { wilsonUpperBound } from '../judges/wilson-bound.ts'
import type { Profile } from '../profiles.ts'
import { plannedIterations } from '../run-parameters.ts'

/** A voice session is counted twice: its start and its end. */
const RESPONSES_PER_VOICE_SESSION = 2

/** As the criterion `soak.error-ratio` asks. */
export const ERROR_CONFIDENCE = 0.95

export interface ErrorBudget {
  /** Failed responses that lose the soak, however the rest goes: the 864th of 172,800. */
  readonly loses: number
  /** From so many on the bound is not below the limit any more, however the rest goes: no PASS. */
  readonly unprovable: number
}

export function errorBudget(profile: Profile): ErrorBudget {
  const { chat, action, voice } = plannedIterations(profile)
  const responses = chat + action + RESPONSES_PER_VOICE_SESSION * voice
  const limit = THRESHOLDS.soakErrorRatio
  const loses = Math.ceil(limit * responses)
  let unprovable = loses
  while (unprovable > 0 && wilsonUpperBound(unprovable - 1, responses, ERROR_CONFIDENCE) >= limit)
    unprovable -= 1
  return { loses, unprovable }
}

const ERRORS = 'sum(k6_responses_total{outcome!="ok"})'

/** Failed responses so far; 0 while there are none, and where Prometheus does not say: only the gate judges. */
export async function errorsSoFar(
  client: Pick<PrometheusClient, 'instant'>,
  nowSeconds: number,
): Promise<number> {
  const { data, fault } = await client.instant(ERRORS, nowSeconds)
  const errors = Number(data[0]?.value ?? 0)
  return fault === null && Number.isFinite(errors) ? errors : 0
}
