import type { FastifyRequest } from 'fastify'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Choice, Turn } from '../turn/turn.ts'
import type { TurnRecord, TurnRecorder } from '../turn-record.ts'
import { CallerGone } from '../upstream-fault.ts'
import { type ChatCompletionRequest, textOf } from '../wire.ts'
import type { Router } from '../assemble.ts'

export interface TurnParts {
  readonly router: Router
  readonly recorder: TurnRecorder
  readonly clock: Clock
}

export interface StartedTurn {
  readonly turn: Turn
  readonly record: TurnRecord
}

/** Longest answer; a client that wants less says so with X-Deadline-Ms. */
export const TURN_TIMEOUT_MS = 300_000

/** Plans a request: profile, candidates, limits. Refusals come first and cost nothing upstream. */
export function startTurn(
  { router, recorder }: TurnParts,
  request: FastifyRequest,
  body: ChatCompletionRequest,
): StartedTurn {
  const plan = router.profiles.plan({ profile: body.sonia?.profile, model: body.model })
  const inputCharacters = charactersOf(body)
  if (inputCharacters > plan.profile.settings.max_input_characters) {
    throw new ServiceError('TOO_LARGE', 'The messages are longer than this profile takes')
  }
  const record = recorder.begin({
    call: request.call,
    startedAtMs: request.exchange.call.startedAtMs,
    profile: plan.profile.name,
    inputCharacters,
  })
  return { turn: { plan, request: body, call: request.call }, record }
}

export function now(clock: Clock) {
  return () => ({ nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() })
}

/** A caller who left or ran out of time gets the code of that, wherever in the turn it was noticed. */
export async function asCallerSees<T>(request: FastifyRequest, result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (error) {
    if (error instanceof CallerGone && request.call.signal.reason instanceof ServiceError) {
      throw request.call.signal.reason
    }
    throw error
  }
}

/** The router's own note in an answer. */
export function soniaNote({ candidate, reason }: Choice, overheadMs: number) {
  return {
    provider: candidate.provider.id,
    model: candidate.modelName,
    ...(candidate.provider.kind === 'embedded' ? { stand_in: true } : {}),
    reason_code: reason,
    overhead_ms: roundMs(overheadMs),
  }
}

/** The same as headers: a streamed body is passed on byte for byte and has no room for it. */
export function soniaHeaders({ candidate, reason }: Choice, overheadMs: number): Record<string, string> {
  return {
    'x-sonia-overhead-ms': String(roundMs(overheadMs)),
    'x-sonia-provider': candidate.provider.id,
    'x-sonia-model': encodeURIComponent(candidate.modelName),
    'x-sonia-reason-code': reason,
    'x-sonia-stand-in': String(candidate.provider.kind === 'embedded'),
  }
}

function charactersOf({ messages, sonia }: ChatCompletionRequest): number {
  const said = messages.reduce((sum, message) => sum + textOf(message).length, 0)
  return (sonia?.context ?? []).reduce((sum, { content }) => sum + content.length, said)
}

function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
