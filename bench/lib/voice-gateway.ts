import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What stands behind voice in its benches: streams a message back word by word in the gateway's events ("talk" goes on
 * until its client leaves), says a tone as the speech provider, and can be restarted on its port.
 */
export interface VoiceGateway {
  readonly origin: string
  /** Ends every connection and listens again. */
  restart(): Promise<void>
  readonly inFlight: () => number
  close(): Promise<void>
}

const WORD_EVERY_MS = 10
const SENTENCE_EVERY_WORDS = 5
const TONE_SECONDS = 20
const RATE_HZ = 16_000

export async function startVoiceGateway(): Promise<VoiceGateway> {
  let inFlight = 0
  let server = await listen(0)
  const { port } = server.address() as AddressInfo

  function listen(at: number): Promise<Server> {
    const made = createServer((req, res) => {
      inFlight += 1
      res.once('close', () => {
        inFlight -= 1
      })
      void answer(req, res).catch(() => res.destroy())
    })
    return new Promise((resolve, reject) => {
      made.once('error', reject)
      made.listen(at, '127.0.0.1', () => resolve(made))
    })
  }

  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    origin: `http://127.0.0.1:${port}`,
    inFlight: () => inFlight,
    close,
    async restart() {
      await close()
      server = await listen(port)
    },
  }
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of req as AsyncIterable<Buffer>) pieces.push(piece)
  if (req.url === '/v1/audio/speech') {
    res.writeHead(200, { 'content-type': 'audio/wav' }).end(TONE)
    return
  }
  const { message } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { message: string }
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let word = 1; message === 'talk' && !res.destroyed; word += 1) {
    res.write(event('delta', { text: word % SENTENCE_EVERY_WORDS === 0 ? 'word. ' : 'word ' }))
    await sleep(WORD_EVERY_MS)
  }
  for (const word of message.split(' ')) res.write(event('delta', { text: `${word} ` }))
  res.end(event('done', { response: message, model: 'bench', provider: 'bench' }))
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

const TONE = toneWav()

function toneWav(): Buffer {
  const bytes = TONE_SECONDS * RATE_HZ * 2
  const wav = Buffer.alloc(44 + bytes)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + bytes, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(RATE_HZ, 24)
  wav.writeUInt32LE(RATE_HZ * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(bytes, 40)
  for (let index = 0; index < bytes / 2; index += 1) {
    wav.writeInt16LE(Math.round(8_000 * Math.sin(index / 6)), 44 + index * 2)
  }
  return wav
}
