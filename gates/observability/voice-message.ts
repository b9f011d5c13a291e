import { once } from 'node:events'
import WebSocket from 'ws'
import { askService, serviceUrl, type StackAddress } from '../runners/service-access.ts'

const WAIT_MS = 10_000

interface Frame {
  readonly type?: string
  readonly correlation_id?: string | null
  readonly data?: Readonly<Record<string, unknown>>
}

/** One typed message of a voice session under this id; true when the assistant answered under the same. */
export async function sayByVoice(
  address: StackAddress,
  correlationId: string,
  text: string,
): Promise<boolean> {
  const started = await askService(address, 'pipecat', {
    path: '/session/start',
    body: { user_id: 'observability' },
  })
  const { data } = started.body as { data?: { session_id?: unknown } }
  const sessionId = String(data?.session_id)
  const socket = new WebSocket(`${serviceUrl(address, 'pipecat').replace('http', 'ws')}/ws/${sessionId}`)
  try {
    const frames = framesOf(socket)
    await once(socket, 'open', { signal: AbortSignal.timeout(WAIT_MS) })
    await frames((frame) => frame.type === 'STATUS')
    const message = { type: 'MESSAGE', session_id: sessionId, seq: 0, correlation_id: correlationId }
    socket.send(JSON.stringify({ ...message, data: { text }, timestamp: new Date().toISOString() }))
    const answer = await frames((frame) => frame.type === 'MESSAGE' || frame.type === 'ERROR')
    socket.send(JSON.stringify({ ...message, type: 'SESSION_STOP', seq: 1, data: { reason: 'done' } }))
    return answer.data?.['role'] === 'assistant' && answer.correlation_id === correlationId
  } finally {
    socket.on('error', () => undefined)
    socket.close()
  }
}

/** Answers with the first frame, past or to come, that is wanted; bounded. */
function framesOf(socket: WebSocket): (isWanted: (frame: Frame) => boolean) => Promise<Frame> {
  const frames: Frame[] = []
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8')) as Frame))
  return async (isWanted) => {
    const signal = AbortSignal.timeout(WAIT_MS)
    for (;;) {
      const found = frames.find(isWanted)
      if (found !== undefined) return found
      await once(socket, 'message', { signal })
    }
  }
}
