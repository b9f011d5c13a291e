import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { createEndpoint } from './endpoint.ts'
import { createRemoteVoice } from './voices.ts'
import { encodeWav } from './wav.ts'

const LIMIT_MS = 200
const SAMPLES = 1_000_000

/** Says all at once; "stall" only begins, "mute" not even that. */
const provider = createServer((request, response) => {
  void request.toArray().then((pieces) => {
    const body = pieces.join('')
    if (body.includes('mute')) return
    const wav = encodeWav(Buffer.alloc(SAMPLES * 2), 16_000)
    if (body.includes('stall')) response.write(wav.subarray(0, 10_000))
    else response.end(wav)
  })
})
before(async () => {
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
})
after(() => {
  provider.closeAllConnections()
  provider.close()
})

async function heard(text: string, onPiece: () => Promise<void>): Promise<number> {
  const { port } = provider.address() as AddressInfo
  const endpoint = createEndpoint({ base_url: `http://127.0.0.1:${port}/v1`, timeout_ms: LIMIT_MS }, () => '')
  const speak = createRemoteVoice(endpoint, { model: 'm', voice: 'v' })
  let samples = 0
  try {
    for await (const piece of speak(text, new AbortController().signal)) {
      samples += piece.length
      await onPiece()
    }
  } finally {
    await endpoint.close()
  }
  return samples
}

test('sound that takes longer to be heard than the provider may take to answer is heard to its end', async () => {
  let pieces = 0
  // As a listener does: the first piece alone lasts longer than the limit of the provider.
  const listen = async (): Promise<void> => {
    pieces += 1
    if (pieces <= 3) await sleep(LIMIT_MS)
  }
  assert.equal(await heard('a long sentence', listen), SAMPLES)
})

test('a voice that does not begin, or stops midway, is late', async () => {
  const listen = async (): Promise<void> => undefined
  for (const text of ['mute', 'stall']) await assert.rejects(heard(text, listen), { code: 'TIMEOUT' }, text)
})
