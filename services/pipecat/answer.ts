import type { Readable } from 'node:stream'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { CallContext } from '#chassis/call-context.ts'
import { isErrorCode, ServiceError } from '#chassis/errors.ts'
import type { Neighbours } from '#chassis/neighbours.ts'

export interface Answer {
  readonly text: string
  readonly model: string
  readonly provider: string
  readonly warning?: string
}

const EVENT_CHARACTERS_MAX = 4 << 20

/** Asks the gateway for a streamed answer. `onDelta` is awaited: a client that reads slowly slows the model's stream. */
export async function askGateway(
  message: { readonly text: string; readonly sessionId: string },
  neighbours: Neighbours,
  call: CallContext,
  onDelta: (text: string) => Promise<void>,
): Promise<Answer> {
  const body = { message: message.text, session_id: message.sessionId, stream: true }
  const answer = await neighbours.stream('api-gateway', { method: 'POST', path: '/v1/chat', body }, call)
  for await (const { event, data } of eventsOf(answer.body)) {
    if (event === 'delta') await onDelta(textOf(data['text']))
    else if (event === 'error') throw errorIn(data)
    else if (event === 'done') return answerIn(data)
  }
  throw new ServiceError('UNAVAILABLE', 'The answer broke off before its end')
}

interface GatewayEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

async function* eventsOf(body: Readable): AsyncGenerator<GatewayEvent> {
  const events: EventSourceMessage[] = []
  const parser = createParser({ maxBufferSize: EVENT_CHARACTERS_MAX, onEvent: (event) => events.push(event) })
  const decoder = new TextDecoder()
  for await (const piece of body as AsyncIterable<Buffer>) {
    parser.feed(decoder.decode(piece, { stream: true }))
    for (const { event = '', data } of events.splice(0)) {
      yield { event, data: JSON.parse(data) as Record<string, unknown> }
    }
  }
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
