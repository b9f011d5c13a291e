import { PassThrough, type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { CallContext } from '#chassis/call-context.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { degradedMemory, type Memory } from '../memory.ts'
import {
  type CompletionRequest,
  chunksOf,
  degradedBy,
  deltaOf,
  type Router,
  type RouterNote,
} from '../router.ts'
import { EVENT_STREAM_HEADERS } from '../sse.ts'
import { ModelName } from './fields.ts'

const Message = Type.Object(
  { role: Type.String({ minLength: 1, maxLength: 32 }) },
  { additionalProperties: true },
)

/** The OpenAI format: what it does not name passes through to the router, which knows more of it. */
const Body = Type.Object(
  {
    messages: Type.Array(Message, { minItems: 1, maxItems: 1000 }),
    model: Type.Optional(ModelName),
    stream: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
    metadata: Type.Optional(
      Type.Union([Type.Record(Type.String(), Type.String({ maxLength: 512 })), Type.Null()]),
    ),
  },
  { additionalProperties: true },
)

export interface CompletionNeeds {
  readonly memory: Memory
  readonly router: Router
}

/** The OpenAI-compatible door: recall in front, the router's answer as it is, the exchange remembered. */
export function registerCompletions(app: SoniaApp, needs: CompletionNeeds): void {
  app.get('/v1/models', {}, async (request) => needs.router.models(request.call))
  app.post('/v1/chat/completions', { schema: { body: Body } }, async (request, reply) => {
    const { call } = request
    const question = lastUserText(request.body)
    const usesMemory = question !== null && request.body.metadata?.['sonia_memory'] !== 'off'
    const { forward, cause } = await withRecall(request.body, usesMemory ? question : null, needs, call)
    const remember = usesMemory ? rememberer(question, needs, call) : null
    if (request.body.stream === true) {
      const { body, reasonCode } = await needs.router.stream(forward, call)
      degrade(request, [cause, degradedBy(reasonCode)])
      return reply.headers(EVENT_STREAM_HEADERS).send(tee(body, request, remember))
    }
    const completion = await needs.router.complete(forward, call)
    const note = completion.sonia ?? {}
    const remembered = await remember?.(completion.choices[0]?.message?.content ?? '', note)
    degrade(request, [cause, degradedBy(note.reason_code), remembered ?? null])
    return completion
  })
}

/** The OpenAI format has no place for a warning: the header and the metrics bear it. */
function degrade({ exchange }: FastifyRequest, causes: readonly (string | null)[]): void {
  const known = new Set(causes.filter((cause) => cause !== null))
  if (known.size > 0) exchange.degrade([...known].join('; '))
}

/** Resolves to what went wrong, or null. */
type Remember = (answer: string, note: RouterNote) => Promise<string | null>

function rememberer(question: string, { memory }: CompletionNeeds, call: CallContext): Remember {
  return async (answer, note) => {
    const isStandIn = note.stand_in === true
    const { step } = await memory.remember({ question, answer, sessionId: undefined, isStandIn }, call)
    return degradedMemory(step)
  }
}

async function withRecall(
  body: Static<typeof Body>,
  question: string | null,
  { memory }: CompletionNeeds,
  call: CallContext,
): Promise<{ forward: CompletionRequest; cause: string | null }> {
  const { metadata: _kept, stream: _asked, ...rest } = body
  if (question === null) return { forward: rest, cause: null }
  const { passages, step } = await memory.recall(question, call)
  const context = passages.map(({ id, content }) => ({ id, content }))
  return { forward: { ...rest, sonia: { context } }, cause: degradedMemory(step) }
}

function lastUserText(body: Static<typeof Body>): string | null {
  const message: Readonly<Record<string, unknown>> | undefined = body.messages.findLast(
    ({ role }) => role === 'user',
  )
  const content = message?.['content']
  if (typeof content === 'string' && content !== '') return content
  if (!Array.isArray(content)) return null
  const parts = content.flatMap((part: { text?: unknown }) =>
    typeof part?.text === 'string' ? [part.text] : [],
  )
  return parts.length === 0 ? null : parts.join('\n')
}

/** The client gets the router's bytes untouched; a copy is read to know what to remember. */
function tee(upstream: Readable, request: FastifyRequest, remember: Remember | null): Readable {
  const copy = new PassThrough()
  const passed = new Transform({
    transform(piece: Buffer, _encoding, done) {
      copy.write(piece)
      done(null, piece)
    },
    flush(done) {
      copy.end()
      done()
    },
  })
  void pipeline(upstream, passed).catch((error: unknown) => {
    request.log.warn({ err: error }, 'a streamed answer broke off')
    copy.destroy()
  })
  void rememberStream(copy, remember).catch(() => copy.resume())
  return passed
}

/** A stream that broke off is not remembered: half an answer was never given. */
async function rememberStream(copy: Readable, remember: Remember | null): Promise<void> {
  let answer = ''
  let note: RouterNote = {}
  for await (const chunk of chunksOf(copy)) {
    answer += deltaOf(chunk)
    note = { ...note, ...chunk.sonia }
  }
  copy.resume()
  await remember?.(answer, note)
}
