import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOG, portAt } from '#catalog'
import { OPS_EXIT, OpsError } from '../ops-error.ts'
import type { StateHome } from '../state-home.ts'

/** An open approval, as eva-os tells it. */
export interface OpenApproval {
  readonly token_id: string
  readonly status: string
  readonly action: string
  readonly summary: string
  readonly tier: string
  readonly principal: string
  readonly session_id: string | null
  readonly created_at: string
  readonly expires_at: string
  readonly ttl_seconds: number
  readonly decided_by: string | null
  readonly envelope: Readonly<Record<string, unknown>>
}

export interface ServiceToken {
  readonly token: string
  readonly expires_at: string
}

/** eva-os, asked with the operator's credential of this state folder. */
export interface EvaClient {
  approvals(): Promise<readonly OpenApproval[]>
  decide(tokenId: string, decision: 'approve' | 'deny', reason: string | undefined): Promise<OpenApproval>
  token(subject: string, audience: string): Promise<ServiceToken>
}

const TIMEOUT_MS = 5_000

export function evaClient(folders: StateHome, portBase: number): EvaClient {
  const key = readOperatorKey(folders)
  const origin = `http://127.0.0.1:${portAt(CATALOG['eva-os'].port, portBase)}`
  const ask = <T>(path: string, body?: object): Promise<T> => askEva<T>(origin + path, key, body)
  return {
    approvals: async () => (await ask<{ approvals: readonly OpenApproval[] }>('/approvals')).approvals,
    decide: (token_id, decision, reason) =>
      ask('/approve', { token_id, decision, ...(reason === undefined ? {} : { reason }) }),
    token: (subject, audience) => ask('/v1/tokens', { subject, audience }),
  }
}

function readOperatorKey(folders: StateHome): string {
  try {
    return readFileSync(join(folders.config, 'operator.key'), 'utf8').trim()
  } catch (cause) {
    throw new OpsError(OPS_EXIT.unavailable, `the operator key in ${folders.config} cannot be read`, {
      hint: './sonia up makes it at the first start; SONIA_HOME names the state folder',
      cause,
    })
  }
}

async function askEva<T>(url: string, key: string, body: object | undefined): Promise<T> {
  const response = await send(url, key, body)
  const answer = (await response.json()) as T & Refusal
  if (response.ok) return answer
  const { code = `status ${response.status}`, message = '', details } = answer.error ?? {}
  const reason = details?.reason ?? code
  throw new OpsError(OPS_EXIT.badInput, `eva-os refuses: ${message} (${reason})`, {
    hint: HINTS[reason] ?? './sonia approvals list shows what waits; ./sonia logs eva-os says more',
  })
}

interface Refusal {
  readonly error?: {
    readonly code?: string
    readonly message?: string
    readonly details?: { readonly reason?: string }
  }
}

const HINTS: Readonly<Record<string, string>> = {
  OPERATOR_KEY: 'the stack was started with another operator key; ./sonia down and up take this one',
  FORBIDDEN: 'tokens are given for calls that exist only; --as supervisor reaches every service',
  APPROVAL_EXPIRED: 'have the call made again; a request lives for two minutes',
  SELF_APPROVAL: 'another operator has to decide: services["eva-os"].operators in config/sonia.json',
}

async function send(url: string, key: string, body: object | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'x-operator-key': key,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (cause) {
    throw new OpsError(OPS_EXIT.unavailable, 'eva-os does not answer', {
      hint: './sonia status shows what runs; ./sonia up starts it',
      cause,
    })
  }
}
