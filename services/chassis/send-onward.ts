import type { CallContext } from './call-context.ts'
import { CORRELATION_HEADER } from './correlation.ts'
import { DEADLINE_HEADER } from './deadline.ts'
import type { Destination } from './destination.ts'
import { type RawResponse, TOKEN_REFUSED_HEADER } from './neighbour-answer.ts'
import type { NeighbourParts, NeighbourRequest } from './neighbours.ts'
import type { OnwardExchange } from './onward-exchange.ts'
import { traceHeaders } from './tracing.ts'

/** One request of a call onward, with token, correlation id, deadline and trace; a refused token is renewed once. */
export async function sendOnward(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  exchange: OnwardExchange & { readonly parts: NeighbourParts },
): Promise<RawResponse> {
  const { to, pool } = destination
  const { tokens } = exchange.parts
  const attempt = async () =>
    pool.request({
      method: request.method,
      path: pathWithQuery(request),
      headers: { ...onwardHeaders(request, call, exchange), 'x-service-token': await tokens.tokenFor(to) },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: exchange.signal,
    })
  const response = await attempt()
  if (response.statusCode !== 401 || response.headers[TOKEN_REFUSED_HEADER] === undefined) return response
  // Keys were exchanged or eva-os was restored: once with a new token, then it is a failure.
  await response.body.dump()
  tokens.forget(to)
  return attempt()
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
