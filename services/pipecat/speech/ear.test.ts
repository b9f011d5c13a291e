import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { connected, pcmSilence, pcmTone, voice } from '../testing.ts'

/** Hears everything, answers nothing. */
const provider = createServer()
after(() => {
  provider.closeAllConnections()
  provider.close()
})

test('of sound that waits behind another utterance no more than the bound is kept, and the session lives on', async () => {
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
  let asked = 0
  provider.on('request', () => {
    asked += 1
  })
  const { port } = provider.address() as AddressInfo
  const transcription = { base_url: `http://127.0.0.1:${port}/v1`, model: 'ears' }
  const started = await voice({ queued_bytes_max: 64 * 1024, speech: { transcription } })
  const { client } = await connected(started)
  const say = (ms: number) =>
    client.socket.send(Buffer.concat([pcmSilence(200), pcmTone(ms), pcmSilence(800)]))
  say(3_000)
  await eventually(() => asked === 1)
  say(300)
  const { data } = await client.next('ERROR')
  assert.deepEqual(data, {
    code: 'RATE_LIMITED',
    message: 'At most 65536 bytes of sound may wait for their text',
  })
  client.send('MESSAGE', { text: 'still there' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'still there')
})
