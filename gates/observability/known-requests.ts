import type { ServiceName } from '#catalog'
import { askService, type StackAddress } from '../runners/service-access.ts'
import { sayByVoice } from './voice-message.ts'

/** `caller -> callee` of a call onward. */
export type Edge = `${ServiceName} -> ${ServiceName}`

/** A kind of request from outside, and what it must leave in every service it crosses. */
export interface RequestKind {
  readonly name: string
  /** Calls that certainly happen; further ones are allowed where the catalogue allows them. */
  readonly edges: readonly Edge[]
  /** True when the answer was right. */
  send(address: StackAddress, correlationId: string, number: number): Promise<boolean>
}

const REMEMBERS: readonly Edge[] = ['api-gateway -> memory-engine', 'api-gateway -> model-router']
const HEADER = 'x-correlation-id'

export const REQUEST_KINDS: readonly RequestKind[] = [
  {
    name: 'chat',
    edges: REMEMBERS,
    send: (address, correlationId, number) =>
      isAnswered(address, correlationId, {
        path: '/v1/chat',
        body: { message: `What about item ${number}?` },
      }),
  },
  {
    name: 'turn',
    edges: REMEMBERS,
    send: (address, correlationId, number) =>
      isAnswered(address, correlationId, {
        path: '/v1/turn',
        body: {
          user_id: 'observability',
          conversation_id: `observed_${number}`,
          input_text: `Tell me about item ${number}`,
        },
      }),
  },
  {
    name: 'action',
    edges: ['api-gateway -> openclaw', 'openclaw -> eva-os'],
    send: (address, correlationId) =>
      isAnswered(address, correlationId, {
        path: '/v1/action',
        body: { tool_name: 'shell.run', args: { command: 'ls' } },
      }),
  },
  {
    name: 'voice',
    edges: ['pipecat -> api-gateway', ...REMEMBERS],
    send: (address, correlationId, number) => sayByVoice(address, correlationId, `And item ${number}?`),
  },
]

/** Requests in all, the kinds in turn. */
export const REQUESTS = 100

/** One request as it was sent. */
export interface SentRequest {
  readonly correlationId: string
  readonly kind: RequestKind
  readonly isAnswered: boolean
}

/** Few at a time: this gate looks at what requests leave behind, not at how many the stack can take. */
const AT_ONCE = 4

/** Sends every request of the gate under an id of its own. */
export async function sendKnownRequests(
  address: StackAddress,
  options: { readonly mark: string; readonly signal: AbortSignal },
): Promise<readonly SentRequest[]> {
  const sent: SentRequest[] = []
  const numbers = Array.from({ length: REQUESTS }, (_, index) => index)
  const worker = async () => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      options.signal.throwIfAborted()
      const kind = REQUEST_KINDS[number % REQUEST_KINDS.length] as RequestKind
      const correlationId = `obs_${options.mark}_${kind.name}_${number}`
      const isRight = await kind.send(address, correlationId, number).catch(() => false)
      sent.push({ correlationId, kind, isAnswered: isRight })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return sent
}

async function isAnswered(
  address: StackAddress,
  correlationId: string,
  request: { readonly path: string; readonly body: object },
): Promise<boolean> {
  const { status, body } = await askService(address, 'api-gateway', {
    ...request,
    headers: { [HEADER]: correlationId },
  })
  return status === 200 && (body as { ok?: unknown } | null)?.ok === true
}
