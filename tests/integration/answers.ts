import assert from 'node:assert/strict'
import type { ServiceAnswer } from '#gates/runners/service-access.ts'

/** What every enveloped answer holds. */
export interface Envelope {
  readonly ok: boolean
  readonly service: string
  readonly operation: string
  readonly correlation_id: string
  readonly duration_ms: number
  readonly data: Readonly<Record<string, unknown>> | null
  readonly error: { readonly code: string; readonly message: string; readonly details?: unknown } | null
}

export function envelopeOf(answer: ServiceAnswer): Envelope {
  return answer.body as Envelope
}

export function bodyOf(answer: ServiceAnswer): Readonly<Record<string, unknown>> {
  return answer.body as Readonly<Record<string, unknown>>
}

/** A refusal: status, code, and the whole envelope around it. */
export function assertRefused(answer: ServiceAnswer, status: number, code: string): Envelope {
  const envelope = envelopeOf(answer)
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.equal(envelope.ok, false)
  assert.equal(envelope.data, null)
  assert.equal(envelope.error?.code, code)
  assert.equal(typeof envelope.service, 'string')
  assert.match(envelope.correlation_id, /^[A-Za-z0-9_-]{8,64}$/)
  return envelope
}

/** The data of a success. */
export function dataOf(answer: ServiceAnswer): Readonly<Record<string, unknown>> {
  const envelope = envelopeOf(answer)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(envelope.ok, true)
  assert.equal(envelope.error, null)
  assert.ok(envelope.data)
  return envelope.data
}

/** Reason in the details of a refusal. */
export function reasonOf(envelope: Envelope): unknown {
  return (envelope.error?.details as { reason?: unknown } | undefined)?.reason
}
