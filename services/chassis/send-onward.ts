import type { Dispatcher } from 'undici'
import type { CallContext } from './call-context.ts'
import { CORRELATION_HEADER } from './correlation.ts'
import { DEADLINE_HEADER } from './deadline.ts'
import type { Destination } from './destination.ts'
import { type RawResponse, TOKEN_REFUSED_HEADER } from './neighbour-answer.ts'
import type { NeighbourParts, NeighbourRequest } from './neighbours.ts'
import type { OnwardExchange } from './onward-exchange.ts'
import { traceHeaders } from './tracing.ts'
import { requestWhole, type WholeAnswer } from './whole-answer.ts'

type Sending = OnwardExchange & { readonly parts: NeighbourParts }

/** One request of a call onward, with token, correlation id, deadline and trace, answered as a stream. */
export function sendOnward(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  sending: Sending,
): Promise<RawResponse> {
  const attempt = async () =>
    destination.pool.request({
      ...(await requestOf(destination, request, call, sending)),
      signal: sending.signal,
    })
  return withFreshToken(destination, sending, attempt, (response) => response.body.dump())
}

/** The same, read to its end. */
export function sendOnwardWhole(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  sending: Sending,
): Promise<WholeAnswer> {
  const attempt = async () =>
    requestWhole(destination.pool, await requestOf(destination, request, call, sending), sending)
  return withFreshToken(destination, sending, attempt, () => Promise.resolve())
}

/** A refused token is renewed once: keys were exchanged or eva-os was restored. The second time it is a failure. */
async function withFreshToken<T extends Pick<RawResponse, 'statusCode' | 'headers'>>(
  { to }: Destination,
  { parts }: Sending,
  attempt: () => Promise<T>,
  discard: (response: T) => Promise<void>,
): Promise<T> {
  const response = await attempt()
  if (response.statusCode !== 401 || response.headers[TOKEN_REFUSED_HEADER] === undefined) return response
  await discard(response)
  parts.tokens.forget(to)
  return attempt()
}

async function requestOf(
  { to }: Destination,
  request: NeighbourRequest,
  call: CallContext,
  sending: Sending,
): Promise<Dispatcher.DispatchOptions> {
  const headers = onwardHeaders(request, call, sending)
  headers['x-service-token'] = await sending.parts.tokens.tokenFor(to)
  return {
    method: request.method,
    path: pathWithQuery(request),
    headers,
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  }
}

function onwardHeaders(
  request: NeighbourRequest,
  call: CallContext,
  exchange: OnwardExchange,
): Record<string, string> {
  return {
    accept: 'application/json',
    ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...request.headers,
    ...traceHeaders(exchange.span, call),
    [CORRELATION_HEADER]: call.correlationId,
    [DEADLINE_HEADER]: String(exchange.budgetMs),
  }
}

function pathWithQuery(request: NeighbourRequest): string {
  if (request.query === undefined) return request.path
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query.size === 0 ? request.path : `${request.path}?${query.toString()}`
}
