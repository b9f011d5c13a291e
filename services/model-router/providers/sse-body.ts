import type { Readable } from 'node:stream'
import { QUIET_PART, type StreamPart, type Timeouts } from '../provider.ts'
import { createSseParser, SSE_DONE, SseOverflow, type SseUnit } from '../streaming/sse-parser.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { faultOfNetwork } from './upstream.ts'
import type { Watch } from './watch.ts'

const SSE_UNIT_BYTES_MAX = 1 << 20
/** A whole answer has the same bound. Whoever gathers a stream downstream needs one. */
const STREAM_BYTES_MAX = 16 << 20
const TAIL_MS = 100

/**
 * The parts of a streamed answer. Ends normally only when the answer is complete; a stream that stops before
 * its finish is `cut`, one that goes quiet is `stalled`, one that cannot be read is `malformed`.
 * The idle wait counts whole events: single bytes dripping in do not keep a dead stream alive.
 */
export async function* readSseParts(
  body: Readable,
  read: (unit: SseUnit) => StreamPart,
  watch: Watch,
  timeouts: Timeouts,
): AsyncGenerator<StreamPart, void> {
  const seen = { token: false, finish: false, end: false }
  try {
    for await (const unit of readUnits(body)) {
      // After the closing mark the tail is read too, so that the connection can be used again.
      if (seen.end) continue
      const part = read(unit)
      expectNext(part, seen, watch, timeouts)
      yield part
      if (seen.token) watch.renew()
      if (seen.end) watch.expect('stalled', TAIL_MS)
    }
  } catch (error) {
    if (!seen.finish && !seen.end) throw error
  }
  if (seen.end) return
  if (!seen.finish) throw new UpstreamFault('cut', 'stream ended before its finish')
  // Complete, but without the closing mark that clients wait for.
  yield { ...QUIET_PART, raw: SSE_DONE, isEnd: true }
}

/** From the first token on the wait is for events; while a part is handed on, the wait is not upstream's. */
function expectNext(
  part: StreamPart,
  seen: { token: boolean; finish: boolean; end: boolean },
  watch: Watch,
  timeouts: Timeouts,
): void {
  if (!seen.token && part.hasToken) watch.expect('stalled', timeouts.idleMs)
  seen.token ||= part.hasToken
  seen.finish ||= part.isFinished
  seen.end ||= part.isEnd
  if (seen.token) watch.pause()
}

async function* readUnits(body: Readable): AsyncGenerator<SseUnit, void> {
  const parser = createSseParser({ maxUnitBytes: SSE_UNIT_BYTES_MAX })
  let received = 0
  try {
    for await (const bytes of body as AsyncIterable<Buffer>) {
      received += bytes.length
      if (received > STREAM_BYTES_MAX) throw new UpstreamFault('malformed', 'stream is too large')
      yield* parser.push(bytes)
    }
  } catch (error) {
    if (error instanceof SseOverflow) throw new UpstreamFault('malformed', error.message)
    throw faultOfNetwork(error, 'cut')
  }
}
