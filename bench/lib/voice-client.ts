import { once } from 'node:events'
import { Agent, request } from 'undici'
import { WebSocket } from 'ws'

/** What one voice client does in the benches. */
export interface VoiceClient {
  readonly socket: WebSocket
  readonly send: (type: string, data?: object) => void
  /** Resolves at the next text frame of this type that comes from now on; rejects at an ERROR before it. */
  frame(type: string): Promise<void>
}

const WAIT_MS = 15_000
const agent = new Agent({ pipelining: 1 })

export async function startSession(url: string): Promise<string> {
  const { statusCode, body } = await request(`${url}/session/start`, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  const answer = (await body.json()) as { data: { session_id: string } | null }
  if (answer.data === null) throw new Error(`no session: ${statusCode}`)
  return answer.data.session_id
}

/** Connected and told that the session is active. */
export async function openClient(url: string, id: string): Promise<VoiceClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/${id}`, { perMessageDeflate: false })
  socket.on('error', () => undefined)
  const client: VoiceClient = {
    socket,
    send: (type, data = {}) => socket.send(JSON.stringify({ type, data })),
    frame: (type) => nextFrame(socket, type),
  }
  await client.frame('STATUS')
  return client
}

/** One listener for all frames: several may come in one piece of the network. */
function nextFrame(socket: WebSocket, type: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error) => {
      clearTimeout(limit)
      socket.off('message', onMessage)
      socket.off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onMessage = (data: Buffer, isBinary: boolean) => {
      const [, came] = isBinary ? [] : (/^\{"type":"(\w+)"/.exec(data.toString('latin1', 0, 40)) ?? [])
      if (came === type) finish()
      else if (came === 'ERROR') finish(new Error(`an error instead of ${type}`))
    }
    const onClose = () => finish(new Error(`closed before ${type}`))
    const limit = setTimeout(() => finish(new Error(`${type} did not come`)), WAIT_MS)
    socket.on('message', onMessage)
    socket.once('close', onClose)
  })
}

/** create, ready, message, close. */
export async function wholeSession(url: string): Promise<void> {
  const client = await openClient(url, await startSession(url))
  const closed = once(client.socket, 'close')
  try {
    const answered = client.frame('MESSAGE')
    client.send('MESSAGE', { text: 'good morning' })
    await answered
  } finally {
    // Also where no answer came: the session is ended as it should be.
    client.send('SESSION_STOP')
    await closed
  }
}

export async function closeClients(): Promise<void> {
  await agent.close()
}
