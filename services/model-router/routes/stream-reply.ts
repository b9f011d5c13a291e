import type { FastifyReply, FastifyRequest } from 'fastify'
import { ServiceError } from '#chassis/errors.ts'
import { formatSse } from '../streaming/sse-parser.ts'
import { createReplyStream, type ReplyStream } from '../turn/reply-stream.ts'
import { type StreamSink, streamTurn } from '../turn/stream-turn.ts'
import { CallerGone, type UpstreamFault } from '../upstream-fault.ts'
import type { ChatCompletionRequest } from '../wire.ts'
import { asCallerSees, now, soniaHeaders, soniaNote, startTurn, type TurnParts } from './turns.ts'

/**
 * Answers with a stream. The headers wait for the first token: until then a failing provider can be replaced
 * unseen, and an error is still a status.
 */
export async function streamReply(
  parts: TurnParts,
  request: FastifyRequest,
  reply: FastifyReply,
  body: ChatCompletionRequest,
) {
  const { turn, record } = startTurn(parts, request, body)
  const stream = createReplyStream(request.call.signal)
  const begun = Promise.withResolvers<void>()
  const sink = replySink({
    stream,
    request,
    onBegin(choice) {
      const overheadMs = record.overheadMs()
      reply.headers(soniaHeaders(choice, overheadMs))
      begun.resolve()
      // Who speaks the router's dialect gets the note in the stream too; nobody else's bytes are touched.
      return body.sonia === undefined ? null : { sonia: soniaNote(choice, overheadMs) }
    },
  })
  const turnEnd = streamTurn(turn, sink, { observer: record, now: now(parts.clock) })
  // Rejects only before the first token, and then `begun` never resolves.
  await asCallerSees(request, Promise.race([begun.promise, turnEnd]))
  turnEnd.catch((error: unknown) => stream.readable.destroy(error instanceof Error ? error : undefined))
  return reply
    .headers({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
    .send(stream.readable)
}

function replySink(options: {
  stream: ReplyStream
  request: FastifyRequest
  onBegin: StreamSink['begin']
}): StreamSink {
  const { stream, request } = options
  return {
    begin: options.onBegin,
    write: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    fail(error, { candidate }) {
      request.log.warn(
        {
          operation: 'stream_answer',
          provider: candidate.provider.id,
          model: candidate.modelName,
          end: endOf(error, request),
        },
        'answer ended before it was complete',
      )
      void stream.write(typedEnd(error, candidate.provider.id, request))
      stream.end()
    },
  }
}

/** OpenAI's form of an error inside a stream; clients raise it instead of taking half an answer for a whole one. */
function typedEnd(error: UpstreamFault | CallerGone, provider: string, request: FastifyRequest): Buffer {
  const { code, message } = endedBy(error, request) ?? BROKEN
  return formatSse({
    error: {
      message,
      type: 'upstream_error',
      param: null,
      code,
      details: { reason: endOf(error, request), provider },
      correlation_id: request.call.correlationId,
    },
  })
}

const BROKEN = { code: 'UNAVAILABLE', message: 'The answer broke off at the provider' }

/** What ended the call, where it was not the provider: the deadline, or the service is stopping. */
function endedBy(error: UpstreamFault | CallerGone, request: FastifyRequest): ServiceError | null {
  const { reason } = request.call.signal
  return error instanceof CallerGone && reason instanceof ServiceError ? reason : null
}

function endOf(error: UpstreamFault | CallerGone, request: FastifyRequest): string {
  if (!(error instanceof CallerGone)) return error.kind
  return endedBy(error, request)?.code === 'TIMEOUT' ? 'deadline' : 'stopped'
}
