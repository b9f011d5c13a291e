import { isTooDeep } from '#chassis/json-keys.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord } from '../wire.ts'

/** The JSON object that a whole answer must be. */
export function readJsonBody(text: string): Record<string, unknown> {
  const value = parseJson(text)
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
