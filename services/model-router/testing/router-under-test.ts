import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startForTest, type TestOptions, eventually } from '#chassis/testing.ts'
import { service } from '../service.ts'

/** A running router with a token at hand. */
export interface RouterUnderTest {
  readonly url: string
  /** The header that opens its door. */
  readonly token: Record<string, string>
  post(path: string, body: object, options?: PostOptions): Promise<Response>
  /** A question of four words as it goes over the wire, streamed where the body says so. */
  chat(body?: object, signal?: AbortSignal): Promise<Response>
  /** A whole answer to a short question. */
  ask(body?: object, options?: PostOptions): Promise<Answer>
  get(path: string): Promise<Answer>
  metric(line: RegExp): Promise<number>
  /** Everything in the log so far. */
  logText(): Promise<string>
  stop(): Promise<void>
}

export interface PostOptions {
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

/** Whatever came back; tests say which fields they expect. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

interface Body {
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly sonia: {
    readonly provider: string
    readonly model: string
    readonly reason_code: string
    readonly stand_in?: boolean
  }
  readonly error: {
    readonly code: string
    readonly message: string
    readonly details: Record<string, unknown>
  }
  readonly status: string
  readonly [field: string]: unknown
}

const CHAT = '/v1/chat/completions'
const asking = (content: string, more: object) => ({ messages: [{ role: 'user', content }], ...more })

export async function startRouter(config: object, options: TestOptions = {}): Promise<RouterUnderTest> {
  const running = await startForTest(service, { ...options, config: config as Record<string, unknown> })
  const token = await running.headersFrom('api-gateway')

  const post: RouterUnderTest['post'] = (path, body, { signal, headers } = {}) =>
    fetch(`${running.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...token, ...headers },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    })
  // A process that has just loaded its modules sheds load until its event loop has caught up.
  await eventually(async () => (await fetch(`${running.url}/v1/models`, { headers: token })).ok)

  const read = async (answer: Response): Promise<Answer> => ({
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Body,
  })
  return {
    url: running.url,
    token,
    post,
    chat: (body = {}, signal) =>
      post(CHAT, asking('alpha beta gamma delta', body), signal === undefined ? {} : { signal }),
    ask: async (body = {}, asked = {}) => read(await post(CHAT, asking('alpha beta', body), asked)),
    get: async (path) => read(await fetch(`${running.url}${path}`, { headers: token })),
    async metric(line) {
      const text = await (await fetch(`${running.url}/metrics`)).text()
      const found = text.split('\n').find((each) => line.test(each))
      if (found === undefined) throw new Error(`no metric like ${line.source}`)
      return Number(found.split(' # ')[0]?.split(' ').at(-1))
    },
    async logText() {
      running.log.flush()
      return readFile(join(running.home, 'logs', 'model-router.log'), 'utf8')
    },
    stop: () => running.stop(),
  }
}
