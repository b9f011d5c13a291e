import type { Now } from '../choice/candidate.ts'
import type { Completion } from '../provider.ts'
import { tryCandidates } from './try-candidates.ts'
import { type AttemptResult, type Choice, modelCall, type Turn, type TurnObserver } from './turn.ts'

export interface TurnSurroundings {
  readonly observer: TurnObserver
  readonly now: () => Now
}

/** A whole answer, not streamed. */
export async function completeTurn(
  turn: Turn,
  { observer, now }: TurnSurroundings,
): Promise<{ choice: Choice; completion: Completion }> {
  const { choice, value } = await tryCandidates({
    candidates: turn.plan.candidates,
    observer,
    now,
    attempt: ({ candidate }) => candidate.provider.complete(modelCall(turn, candidate)),
  })
  observer.succeeded(choice, resultOf(value, observer.keepsText))
  return { choice, completion: value }
}

function resultOf({ body, usage }: Completion, keepsText: boolean): AttemptResult {
  if (usage !== null && !keepsText) return { usage, characters: 0, text: null }
  const text = JSON.stringify(body['choices'])
  return { usage, characters: text.length, text: keepsText ? text : null }
}
