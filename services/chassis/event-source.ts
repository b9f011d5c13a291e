import type { Readable } from 'node:stream'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ServiceError } from './errors.ts'

/** One event of a streamed answer; `event` is '' where the stream names none. */
export interface StreamedEvent {
  readonly event: string
  readonly data: string
}

/** One event above this is no answer of a neighbour of ours. */
const EVENT_CHARACTERS_MAX = 4 << 20

/**
 * Server-sent events out of a body, as they come. Ends where the body ends: what must not be missing is the
 * reader's to know. Throws UNAVAILABLE for an event beyond all bounds.
 */
export async function* eventsIn(body: Readable): AsyncGenerator<StreamedEvent> {
  const events: EventSourceMessage[] = []
  const parser = createParser({ maxBufferSize: EVENT_CHARACTERS_MAX, onEvent: (event) => events.push(event) })
  const decoder = new TextDecoder()
  for await (const piece of body as AsyncIterable<Buffer>) {
    feed(parser, decoder.decode(piece, { stream: true }))
    for (const { event = '', data } of events.splice(0)) yield { event, data }
  }
}

function feed(parser: ReturnType<typeof createParser>, text: string): void {
  try {
    parser.feed(text)
  } catch (cause) {
    throw new ServiceError('UNAVAILABLE', 'The streamed answer cannot be read', { cause })
  }
}

/** The data of an event as JSON. Throws UNAVAILABLE where it is none: the neighbour broke its own format. */
export function jsonIn<T>({ data }: StreamedEvent): T {
  try {
    return JSON.parse(data) as T
  } catch (cause) {
    throw new ServiceError('UNAVAILABLE', 'The streamed answer cannot be read', { cause })
  }
}
