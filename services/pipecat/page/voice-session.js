const RESUME_TRIES = 6
const RESUME_EVERY_MS = 1_000

/** The service wants an API key, or does not take this one. */
export class KeyNeeded extends Error {}

/**
 * One session with the service: opened over HTTP, held over a WebSocket, and taken up again with the number of the last
 * frame where the connection is lost.
 */
export async function openSession({ key, onFrame, onSound, onState }) {
  const answer = await fetch('/session/start', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { 'x-api-key': key }) },
    body: '{}',
  })
  const { data, error } = await answer.json()
  if (answer.status === 401) throw new KeyNeeded(error.message)
  if (data === null) throw new Error(error.message)
  const { session_id: sessionId } = data
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
      setTimeout(connect, RESUME_EVERY_MS)
    }
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
    stop() {
      isOver = true
      this.send('SESSION_STOP', { reason: 'done' })
    },
  }
}
