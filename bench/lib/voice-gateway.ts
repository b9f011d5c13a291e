import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { speech } from '#gates/doubles/audio-answers.ts'

/**
 * What stands behind voice in its benches: streams a message back word by word in the gateway's events ("talk" and "flood" go on
 * until their client leaves, the second as fast as it is taken), says a tone as the speech provider, and can be restarted on its port.
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
const FLOOD_PIECE = 'word '.repeat(200)
/** The double says 50 ms for each character: 20 s. */
const TONE = speech({ input: '~'.repeat(400) })

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
    res.writeHead(200, { 'content-type': TONE.type }).end(TONE.bytes)
    return
  }
  const { message } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { message: string }
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let word = 1; message === 'talk' && !res.destroyed; word += 1) {
    res.write(event('delta', { text: word % SENTENCE_EVERY_WORDS === 0 ? 'word. ' : 'word ' }))
    await sleep(WORD_EVERY_MS)
  }
  while (message === 'flood' && !res.destroyed) await written(res, event('delta', { text: FLOOD_PIECE }))
  for (const word of message.split(' ')) res.write(event('delta', { text: `${word} ` }))
  res.end(event('done', { response: message, model: 'bench', provider: 'bench' }))
}

function written(res: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done)
      resolve()
    }
    res.once('drain', done).once('close', done)
    if (res.write(text)) setImmediate(done)
  })
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
