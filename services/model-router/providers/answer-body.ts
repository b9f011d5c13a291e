import type { Readable } from 'node:stream'
import { isTooDeep } from '#chassis/json-keys.ts'
import { createGatherer } from '../streaming/gatherer.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord } from '../wire.ts'
import type { Watch } from './watch.ts'

const ANSWER_BYTES_MAX = 16 << 20

/** Reads a JSON object of bounded size; the watch is renewed with every piece. */
export async function readJsonBody(body: Readable, watch: Watch): Promise<Record<string, unknown>> {
  const answer = createGatherer()
  for await (const piece of body as AsyncIterable<Buffer>) {
    answer.add(piece)
    if (answer.bytes() > ANSWER_BYTES_MAX) throw new UpstreamFault('malformed', 'answer is too large')
    watch.renew()
  }
  const value = parseJson(answer.take().toString('utf8'))
  // It is written anew on the way out, and a writer of JSON has a stack.
  if (isTooDeep(value)) throw new UpstreamFault('malformed', 'answer nests too deep')
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
