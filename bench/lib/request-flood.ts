import { connect, type Socket } from 'node:net'

export interface Flood {
  readonly port: number
  readonly path: string
  readonly connections: number
  /** Requests on their way per connection. */
  readonly pipelined: number
}

export interface FloodResult {
  readonly answered: number
  readonly failed: number
  readonly seconds: number
}

const START_OF_ANSWER = Buffer.from('HTTP/1.1 ')
const STATUS_AT = START_OF_ANSWER.length
const DIGIT_TWO = 0x32

/**
 * A closed loop over plain sockets, cheaper than any server it is pointed at: the request is one prepared buffer, and of
 * an answer only its first line is looked at. Each answer is replaced by a new request until the time is up.
 */
export async function flood(plan: Flood, durationMs: number): Promise<FloodResult> {
  const startedMs = performance.now()
  const untilMs = startedMs + durationMs
  const results = await Promise.all(
    Array.from({ length: plan.connections }, () => floodConnection(plan, untilMs)),
  )
  return {
    answered: results.reduce((sum, { answered }) => sum + answered, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    seconds: (performance.now() - startedMs) / 1000,
  }
}

async function floodConnection(plan: Flood, untilMs: number): Promise<{ answered: number; failed: number }> {
  const socket = connect({ port: plan.port, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const request = Buffer.from(`GET ${plan.path} HTTP/1.1\r\nhost: 127.0.0.1:${plan.port}\r\n\r\n`)
  try {
    return await exchange(socket, { request, pipelined: plan.pipelined, untilMs })
  } finally {
    socket.destroy()
  }
}

function exchange(
  socket: Socket,
  { request, pipelined, untilMs }: { request: Buffer; pipelined: number; untilMs: number },
): Promise<{ answered: number; failed: number }> {
  return new Promise((resolve, reject) => {
    const counts = { answered: 0, failed: 0 }
    let waiting = pipelined
    // An answer may begin at the end of one read and go on in the next.
    let rest = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      const text = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      const { begun, failed, tail } = countAnswers(text)
      rest = tail
      counts.answered += begun
      counts.failed += failed
      waiting -= begun
      if (performance.now() >= untilMs) {
        if (waiting <= 0) resolve(counts)
        return
      }
      waiting += begun
      if (begun > 0)
        socket.write(begun === 1 ? request : Buffer.concat(Array.from({ length: begun }, () => request)))
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed the connection')))
    socket.write(Buffer.concat(Array.from({ length: pipelined }, () => request)))
  })
}

/** Answers that begin in these bytes; `tail` is what may be the start of one more. */
export function countAnswers(text: Buffer): { begun: number; failed: number; tail: Buffer<ArrayBuffer> } {
  let begun = 0
  let failed = 0
  let at = text.indexOf(START_OF_ANSWER)
  let after = 0
  while (at !== -1 && at + STATUS_AT < text.length) {
    begun += 1
    if (text[at + STATUS_AT] !== DIGIT_TWO) failed += 1
    after = at + STATUS_AT
    at = text.indexOf(START_OF_ANSWER, after)
  }
  const keep = Math.max(after, at === -1 ? text.length - START_OF_ANSWER.length : at)
  return { begun, failed, tail: Buffer.from(text.subarray(keep)) }
}
