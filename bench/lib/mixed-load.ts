import { once } from 'node:events'
import { Agent, type Dispatcher } from 'undici'
import type { SubjectHello } from './router-subject.ts'

export interface LoadCounts {
  whole: number
  streamed: number
  aborted: number
  /** Refused by the event-loop guard: an answer too, but on a quiet machine there is none. */
  shed: number
}

const CONCURRENCY = 16

/** Sends requests from a client of its own, and closes it: what stays open afterwards is the router's. */
export async function sendMixedLoad(hello: SubjectHello, requests: number): Promise<LoadCounts> {
  const agent = new Agent({ connections: CONCURRENCY, pipelining: 1 })
  const counts: LoadCounts = { whole: 0, streamed: 0, aborted: 0, shed: 0 }
  let next = 0
  const work = async () => {
    while (next < requests) {
      const kind = KINDS[next++ % KINDS.length] ?? 'whole'
      counts[await SENDERS[kind](agent, hello)]++
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  await agent.destroy()
  return counts
}

type Kind = 'whole' | 'streamed' | 'silent' | 'stalling'
const KINDS: readonly Kind[] = [
  ...Array<Kind>(4).fill('whole'),
  ...Array<Kind>(4).fill('streamed'),
  'silent',
  'stalling',
]

const SENDERS: Readonly<Record<Kind, (agent: Agent, hello: SubjectHello) => Promise<keyof LoadCounts>>> = {
  async whole(agent, hello) {
    const { statusCode, body } = await post(agent, hello, { model: 'plain' })
    const text = await body.text()
    if (text.includes('"OVERLOADED"')) return 'shed'
    if (statusCode !== 200 || !text.includes('You said:')) throw new Error(`answered ${statusCode} ${text}`)
    return 'whole'
  },
  async streamed(agent, hello) {
    const { statusCode, body } = await post(agent, hello, { model: 'plain', stream: true })
    const text = await body.text()
    if (text.includes('"OVERLOADED"')) return 'shed'
    if (statusCode !== 200 || !text.endsWith('data: [DONE]\n\n'))
      throw new Error(`answered ${statusCode} ${text}`)
    return 'streamed'
  },
  async silent(agent, hello) {
    const leave = new AbortController()
    const answer = post(agent, hello, { model: 'silent', stream: true }, leave.signal)
    // Nothing will come; the client waits a little, as people do, and goes.
    setTimeout(() => leave.abort(), 5)
    const early = await answer.catch(() => null)
    if (early === null) return 'aborted'
    if ((await early.body.text()).includes('"OVERLOADED"')) return 'shed'
    throw new Error('an answer came from the silent model')
  },
  async stalling(agent, hello) {
    const leave = new AbortController()
    const { statusCode, body } = await post(agent, hello, { model: 'stalling', stream: true }, leave.signal)
    body.on('error', () => undefined)
    const [first] = (await once(body, 'data')) as [Buffer]
    leave.abort()
    if (statusCode === 200) return 'aborted'
    if (first.includes('"OVERLOADED"')) return 'shed'
    throw new Error(`answered ${statusCode}`)
  },
}

function post(agent: Agent, { url, headers }: SubjectHello, more: object, signal?: AbortSignal) {
  const request: Dispatcher.RequestOptions = {
    origin: url,
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'one two three four five six' }], ...more }),
    ...(signal === undefined ? {} : { signal }),
  }
  return agent.request(request)
}
