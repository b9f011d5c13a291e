import { PassThrough, type Readable } from 'node:stream'
import { type CallContext, whenAborted } from '#chassis/call-context.ts'

/**
 * A response body of server-sent events; `event` is one line, `data` is JSON without line breaks. `send` resolves once
 * there is room for more, so that who waits for it gathers nothing for a client that does not read; it fails when the
 * call is given up.
 */
export function createEventStream(call: CallContext) {
  const body = new PassThrough()
  const write = (event: string, data: unknown): boolean =>
    !body.writable || body.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  const send = async (event: string, data: unknown): Promise<void> => {
    if (!write(event, data)) await taken(body, call)
  }
  const end = (event: string, data: unknown): void => {
    write(event, data)
    body.end()
  }
  return { body: body as Readable, send, end }
}

function taken(body: PassThrough, call: CallContext): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  body.once('drain', resolve).once('close', resolve)
  const forget = whenAborted(call, reject)
  return promise.finally(() => {
    forget()
    body.off('drain', resolve).off('close', resolve)
  })
}

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // Proxies that buffer would turn a stream into one late block.
  'x-accel-buffering': 'no',
} as const
