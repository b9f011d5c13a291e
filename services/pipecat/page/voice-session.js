/** The service may take 45 s to notice that the connection before is dead; until then there is no place for another. */
const RESUME_TRIES = 60
const RESUME_EVERY_MS = 1_000

/** The service wants an API key, or does not take this one. */
export class KeyNeeded extends Error {}

/**
 * One session with the service: opened over HTTP, held over a WebSocket, and taken up again with the number of the last
 * frame where the connection is lost.
 */
export async function openSession({ key, onFrame, onSound, onState }) {
  const { sessionId, isGone, stopSession } = await startSession(key)
  let socket = null
  let lastSeq = 0
  let isOver = false
  let tries = 0

  function connect() {
    const query = lastSeq === 0 ? '' : `?last_seq=${lastSeq}`
    socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws/${sessionId}${query}`)
    socket.binaryType = 'arraybuffer'
    // A WebSocket of a page has no headers, and the address is no place for a key.
    if (key !== null) socket.onopen = () => socket.send(JSON.stringify({ type: 'AUTH', data: { key } }))
    socket.onmessage = ({ data: content }) => {
      if (typeof content !== 'string') return onSound(content)
      const frame = JSON.parse(content)
      if (frame.type === 'SESSION_START') {
        tries = 0
        onState('open')
      }
      lastSeq = Math.max(lastSeq, frame.seq)
      onFrame(frame)
    }
    socket.onclose = ({ code }) => {
      // From 4000 on, and 1000 and 1001, the session itself has ended.
      if (isOver || code <= 1001 || code >= 4000 || tries >= RESUME_TRIES) return onState('closed')
      tries += 1
      onState('lost')
      setTimeout(comeBack, RESUME_EVERY_MS)
    }
  }

  async function comeBack() {
    const hasEnded = await isGone()
    if (isOver) return
    if (hasEnded) onState('closed')
    else connect()
  }

  connect()
  const isOpen = () => socket.readyState === WebSocket.OPEN
  return {
    send: (type, fields = {}) => {
      if (isOpen()) socket.send(JSON.stringify({ type, session_id: sessionId, data: fields }))
    },
    sendSound: (buffer) => {
      if (isOpen()) socket.send(buffer)
    },
    async stop() {
      isOver = true
      if (isOpen()) return this.send('SESSION_STOP', { reason: 'done' })
      // Ended for the person at once; the service hears of it if it can be reached, and waits no longer than it does.
      socket.onclose = null
      socket.close()
      onState('closed')
      await stopSession()
    },
  }
}

/** What is asked over HTTP. */
async function startSession(key) {
  const headers = { 'content-type': 'application/json', ...(key === null ? {} : { 'x-api-key': key }) }
  const post = (path, body) => fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
  const answer = await post('/session/start', {})
  const { data, error } = await answer.json()
  if (answer.status === 401) throw new KeyNeeded(error.message)
  if (data === null) throw new Error(error.message)
  const { session_id: sessionId } = data
  return {
    sessionId,
    stopSession: () => post('/session/stop', { session_id: sessionId }),
    /** Where nothing is answered, the session may well be there still. */
    isGone: async () => {
      try {
        const found = await fetch(`/session/${sessionId}`, { headers })
        return found.status === 404 || (await found.json()).data?.state === 'CLOSED'
      } catch {
        return false
      }
    },
  }
}
