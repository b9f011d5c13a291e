import type { CallContext } from '#chassis/call-context.ts'
import { isErrorCode, ServiceError } from '#chassis/errors.ts'
import { eventsIn, jsonIn } from '#chassis/event-source.ts'
import type { Neighbours } from '#chassis/neighbours.ts'

export interface Answer {
  readonly text: string
  readonly model: string
  readonly provider: string
  readonly warning?: string
}

/** Asks the gateway for a streamed answer. `onDelta` is awaited: a client that reads slowly slows the model's stream. */
export async function askGateway(
  message: { readonly text: string; readonly sessionId: string },
  neighbours: Neighbours,
  call: CallContext,
  onDelta: (text: string) => Promise<void>,
): Promise<Answer> {
  const body = { message: message.text, session_id: message.sessionId, stream: true }
  const answer = await neighbours.stream('api-gateway', { method: 'POST', path: '/v1/chat', body }, call)
  for await (const event of eventsIn(answer.body)) {
    const data = jsonIn<Readonly<Record<string, unknown>>>(event)
    if (event.event === 'delta') await onDelta(textOf(data['text']))
    else if (event.event === 'error') throw errorIn(data)
    else if (event.event === 'done') return answerIn(data)
  }
  throw new ServiceError('UNAVAILABLE', 'The answer broke off before its end')
}

function answerIn(data: Readonly<Record<string, unknown>>): Answer {
  const warning = data['warning'] as { message?: unknown } | undefined
  return {
    text: textOf(data['response']),
    model: textOf(data['model']),
    provider: textOf(data['provider']),
    ...(warning === undefined ? {} : { warning: textOf(warning.message) }),
  }
}

function errorIn({ code, message }: Readonly<Record<string, unknown>>): ServiceError {
  return new ServiceError(isErrorCode(code) ? code : 'UNAVAILABLE', textOf(message) || 'The answer failed')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
