import { BlockList, isIP } from 'node:net'
import { Agent, type Dispatcher } from 'undici'
import { ServiceError } from '#chassis/errors.ts'

export interface EndpointSettings {
  readonly base_url: string
  readonly key?: string
  readonly timeout_ms: number
}

export interface EndpointRequest {
  readonly path: string
  readonly body: Exclude<Dispatcher.DispatchOptions['body'], undefined>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /**
   * What the time limit holds for: the whole answer, or, where it is taken only as fast as it is heard, its beginning;
   * a body that stops coming is late in either case.
   */
  readonly limited: 'whole' | 'beginning'
}

/** One OpenAI-compatible server. Failures are typed; what it says of them stays out of our answers. */
export interface Endpoint {
  post(request: EndpointRequest): Promise<Dispatcher.ResponseData>
  close(): Promise<void>
}

const CONNECT_MS = 2_000
const CONNECTIONS_MAX = 64
/** The sound of a sentence is far below. */
const ANSWER_BYTES_MAX = 64 << 20

export function createEndpoint(
  settings: EndpointSettings,
  readSecret: (reference: string) => string,
): Endpoint {
  const base = checkedBaseUrl(settings.base_url)
  const authorization =
    settings.key === undefined ? {} : { authorization: `Bearer ${readSecret(settings.key)}` }
  const agent = new Agent({
    connect: { timeout: CONNECT_MS },
    connections: CONNECTIONS_MAX,
    headersTimeout: settings.timeout_ms,
    bodyTimeout: settings.timeout_ms,
    maxResponseSize: ANSWER_BYTES_MAX,
  })
  return {
    async post({ path, body, headers, signal, limited }) {
      // The agent itself limits the beginning, and every pause that is not ours.
      const limit =
        limited === 'whole' ? AbortSignal.any([signal, AbortSignal.timeout(settings.timeout_ms)]) : signal
      const url = new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base)
      const answer = await agent
        .request({
          origin: url.origin,
          path: url.pathname,
          method: 'POST',
          headers: { ...authorization, ...headers },
          body,
          signal: limit,
        })
        .catch((cause: unknown) => {
          throw failure(cause)
        })
      if (answer.statusCode === 200) return answer
      // Read to its end, bounded by the time limit, so that the connection can be used again.
      await answer.body.dump().catch(() => undefined)
      throw new ServiceError('UNAVAILABLE', `A speech provider answered ${answer.statusCode}`)
    },
    close: () => agent.destroy(),
  }
}

/** An error on the way to a speech provider, or while its answer comes. */
export function failure(cause: unknown): ServiceError {
  if (cause instanceof ServiceError) return cause
  const { name, code } = cause as { name?: string; code?: string }
  const isLate =
    name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT'
  return isLate
    ? new ServiceError('TIMEOUT', 'A speech provider did not answer in time', { cause })
    : new ServiceError('UNAVAILABLE', 'A speech provider cannot be reached', { cause })
}

const REFUSED = new BlockList()
REFUSED.addSubnet('0.0.0.0', 8, 'ipv4')
REFUSED.addSubnet('169.254.0.0', 16, 'ipv4')
REFUSED.addSubnet('224.0.0.0', 3, 'ipv4')
REFUSED.addSubnet('fe80::', 10, 'ipv6')
REFUSED.addAddress('fd00:ec2::254', 'ipv6')
REFUSED.addSubnet('ff00::', 8, 'ipv6')
const METADATA_NAME = /(^|\.)(metadata|metadata\.google\.internal|metadata\.goog|instance-data)$/

/** URL undoes other notations of an address. Throws at start: a bad address must not wait for the first word. */
function checkedBaseUrl(text: string): URL {
  const url = new URL(text)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const family = isIP(host)
  const isRefused =
    family === 0 ? METADATA_NAME.test(host) : REFUSED.check(host, family === 6 ? 'ipv6' : 'ipv4')
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (isRefused || !isPlain || !/^https?:$/.test(url.protocol)) {
    throw new Error(
      'speech: base_url must be a plain http or https address, not a link-local or metadata one',
    )
  }
  return url
}
