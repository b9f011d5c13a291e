import type { Readable } from 'node:stream'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord } from '../wire.ts'
import type { Watch } from './watch.ts'

const ANSWER_BYTES_MAX = 16 << 20

/** Reads a JSON object of bounded size; the watch is renewed with every piece. */
export async function readJsonBody(body: Readable, watch: Watch): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > ANSWER_BYTES_MAX) throw new UpstreamFault('malformed', 'answer is too large')
    pieces.push(piece)
    watch.renew()
  }
  const value = parseJson(Buffer.concat(pieces).toString('utf8'))
  if (!isRecord(value)) throw new UpstreamFault('malformed', 'answer is not an object')
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UpstreamFault('malformed', 'answer is not JSON')
  }
}
