import type { RefinedResponse, ResponseType } from 'k6/http'
import { Counter } from 'k6/metrics'

/** The client's own count of what came back: `k6_responses_total{scenario,route,code,outcome}`. */
const responses = new Counter('responses')

export type Outcome = 'ok' | 'error' | 'timeout'

export interface Observation {
  readonly route: string
  /** The code of the envelope, or what the client saw where none came: CLIENT_TIMEOUT, NO_ANSWER, BAD_BODY. */
  readonly code: string
  readonly outcome: Outcome
}

export function count({ route, code, outcome }: Observation): void {
  responses.add(1, { route, code, outcome })
}

export interface Envelope {
  readonly ok?: boolean
  readonly correlation_id?: string
  readonly data?: Readonly<Record<string, unknown>> | null
  readonly error?: { readonly code?: string } | null
  readonly warning?: { readonly code?: string }
}

type Response = RefinedResponse<ResponseType | undefined>

const K6_REQUEST_TIMEOUT = 1050

/** The parsed body, or null where it is no JSON object. */
function envelopeOf(response: Response): Envelope | null {
  if (typeof response.body !== 'string') return null
  try {
    const value: unknown = JSON.parse(response.body)
    return typeof value === 'object' && value !== null ? (value as Envelope) : null
  } catch {
    return null
  }
}

/**
 * Judges one answer by its body: the status alone proves nothing. A degraded answer is an answer
 * (its code says so); everything that is not what the scenario expects is an error.
 */
export function observe(
  route: string,
  response: Response,
  isExpected: (envelope: Envelope) => boolean,
): Observation {
  if (response.error_code === K6_REQUEST_TIMEOUT) return { route, code: 'CLIENT_TIMEOUT', outcome: 'timeout' }
  if (response.status === 0) return { route, code: 'NO_ANSWER', outcome: 'error' }
  const envelope = envelopeOf(response)
  if (envelope === null) return { route, code: 'BAD_BODY', outcome: 'error' }
  const code = envelope.error?.code ?? envelope.warning?.code ?? 'OK'
  if (response.status === 200 && isExpected(envelope)) return { route, code, outcome: 'ok' }
  return refused(route, code)
}

function refused(route: string, code: string): Observation {
  if (code === 'TIMEOUT') return { route, code, outcome: 'timeout' }
  const isAnswer = code === 'OK' || code === 'DEGRADED'
  return { route, code: isAnswer ? 'UNEXPECTED_BODY' : code, outcome: 'error' }
}
