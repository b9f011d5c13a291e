import { Type } from 'typebox'
import { whenAborted } from '#chassis/call-context.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Candidate } from '../choice/candidate.ts'
import { tryCandidates } from '../turn/try-candidates.ts'
import { timeoutsOf } from '../turn/turn.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { isRecord, isTokenCount } from '../wire.ts'
import { asCallerSees, now, soniaHeaders, soniaNote, type TurnParts } from './turns.ts'

const Text = Type.String({ minLength: 1, maxLength: 200_000 })
const Body = Type.Object(
  {
    input: Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 2048 })]),
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  { additionalProperties: true },
)

/**
 * Passed through. Only providers of the same model stand in for one another: vectors of two models do not
 * compare, and a silent change would spoil an index.
 */
export function registerEmbeddings(app: SoniaApp, parts: TurnParts): void {
  const { router, recorder, clock } = parts
  app.route({
    method: 'POST',
    url: '/v1/embeddings',
    schema: { body: Body },
    async handler(request, reply) {
      const { model: asked, ...body } = request.body
      const candidates = candidatesFor(router.embeddingCandidates, asked)
      const timeouts = timeoutsOf(router.profiles.get('memory_ops').settings)
      const record = recorder.begin({
        call: request.call,
        startedAtMs: request.exchange.call.startedAtMs,
        profile: 'memory_ops',
        inputCharacters: [body.input].flat().reduce((sum, text) => sum + text.length, 0),
      })
      const { choice, value } = await asCallerSees(
        request,
        tryCandidates({
          candidates,
          observer: record,
          now: now(clock),
          attempt: ({ candidate }) =>
            embed(candidate, { body, timeouts, onAbort: (listener) => whenAborted(request.call, listener) }),
        }),
      )
      record.succeeded(choice, { usage: usageOf(value), characters: 0, text: null })
      reply.headers(soniaHeaders(choice, record.overheadMs()))
      return { ...value, sonia: soniaNote(choice, record.overheadMs()) }
    },
  })
}

function candidatesFor(all: readonly Candidate[], asked: string | undefined): readonly Candidate[] {
  const [first] = all
  if (first === undefined) {
    throw new ServiceError('UNAVAILABLE', 'No embeddings provider is configured', {
      details: { reason_code: 'NO_PROVIDER' },
    })
  }
  const wanted = asked ?? first.modelName
  const exact = all.filter(({ id }) => id === wanted)
  const found = exact.length > 0 ? exact : all.filter(({ modelName }) => modelName === wanted)
  if (found.length === 0) throw new ServiceError('NOT_FOUND', 'Unknown embeddings model')
  return found
}

async function embed(
  { provider, modelName: model }: Candidate,
  call: Omit<Parameters<NonNullable<Candidate['provider']['embed']>>[0], 'model'>,
): Promise<Record<string, unknown>> {
  if (provider.embed === null) throw new Error(`provider ${provider.id} has no embeddings`)
  const body = await provider.embed({ ...call, model })
  if (!Array.isArray(body['data'])) throw new UpstreamFault('malformed', 'embeddings without data')
  return body
}

function usageOf(body: Record<string, unknown>) {
  const usage = isRecord(body['usage']) ? body['usage'] : {}
  const inputTokens = usage['prompt_tokens']
  return isTokenCount(inputTokens) ? { inputTokens, outputTokens: 0 } : null
}
