import { once } from 'node:events'
import WebSocket from 'ws'
import { CATALOG, portAt } from '#catalog'

interface Frame {
  readonly type: string
  readonly seq: number
  readonly data: Readonly<Record<string, unknown>>
}

/** One voice client: asks, and takes the frame that answers. */
export interface VoiceClient {
  readonly socket: WebSocket
  /** The MESSAGE that answers, or the ERROR. */
  ask(text: string): Promise<Frame>
  next(...types: readonly string[]): Promise<Frame>
}

const WAIT_MS = 30_000

export async function startVoiceSession(portBase: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${portAt(CATALOG.pipecat.port, portBase)}/session/start`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'failures' }),
  })
  const { data } = (await answer.json()) as { data: { session_id: string } }
  return data.session_id
}

/** Connects and waits until the session is active; `query` resumes one. */
export async function connectVoice(portBase: number, sessionId: string, query = ''): Promise<VoiceClient> {
  const port = portAt(CATALOG.pipecat.port, portBase)
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${sessionId}${query}`)
  const frames: Frame[] = []
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8')) as Frame))
  const next: VoiceClient['next'] = async (...types) => {
    const signal = AbortSignal.timeout(WAIT_MS)
    for (;;) {
      const index = frames.findIndex(({ type }) => types.includes(type))
      const [found] = index < 0 ? [] : frames.splice(index, 1)
      if (found !== undefined) return found
      await once(socket, 'message', { signal })
    }
  }
  await once(socket, 'open', { signal: AbortSignal.timeout(WAIT_MS) })
  return {
    socket,
    next,
    ask(text) {
      const timestamp = new Date().toISOString()
      socket.send(
        JSON.stringify({ type: 'MESSAGE', session_id: sessionId, seq: 0, data: { text }, timestamp }),
      )
      return next('MESSAGE', 'ERROR')
    },
  }
}

/** Status with which a connection is refused before the upgrade, or 101. */
export async function upgradeStatus(portBase: number, path: string): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${portAt(CATALOG.pipecat.port, portBase)}${path}`)
  socket.on('error', () => undefined)
  const signal = AbortSignal.timeout(WAIT_MS)
  const status = await Promise.race([
    once(socket, 'open', { signal }).then(() => 101),
    once(socket, 'unexpected-response', { signal }).then(
      ([, response]) => (response as { statusCode: number }).statusCode,
    ),
  ])
  socket.terminate()
  return status
}
