import { PassThrough, type Readable } from 'node:stream'

/** A response body of server-sent events; `event` is one line, `data` is JSON without line breaks. */
export function createEventStream() {
  const body = new PassThrough()
  const send = (event: string, data: unknown) => {
    if (body.writable) body.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  return { body: body as Readable, send, end: () => void body.end() }
}

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // Proxies that buffer would turn a stream into one late block.
  'x-accel-buffering': 'no',
} as const
