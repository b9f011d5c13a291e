import type { JSONWebKeySet } from 'jose'
import { request } from 'undici'
import type { ServiceName } from '#catalog'
import type { TokenRequest } from './tokens.ts'

const TIMEOUT_MS = 1_000

/** Asks eva-os for a token for one audience; the bootstrap secret proves who asks. */
export async function requestToken(
  evaOrigin: string,
  name: ServiceName,
  { audience, secret }: TokenRequest,
): Promise<{ readonly token: string }> {
  const { statusCode, body } = await request(`${evaOrigin}/v1/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bootstrap-secret': secret, 'x-service-name': name },
    body: JSON.stringify({ audience }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const answer = (await body.json()) as { token?: unknown }
  if (statusCode !== 200 || typeof answer.token !== 'string') throw new Error(`eva-os answered ${statusCode}`)
  return { token: answer.token }
}

export async function fetchJwks(evaOrigin: string): Promise<JSONWebKeySet> {
  const { statusCode, body } = await request(`${evaOrigin}/.well-known/jwks.json`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const answer = (await body.json()) as JSONWebKeySet
  if (statusCode !== 200 || !Array.isArray(answer.keys)) throw new Error(`eva-os answered ${statusCode}`)
  return answer
}
