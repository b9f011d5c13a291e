import type { Now } from '../choice/candidate.ts'
import type { Completion } from '../provider.ts'
import { tryCandidates } from './try-candidates.ts'
import { type Choice, modelCall, type Turn, type TurnObserver } from './turn.ts'

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
  observer.succeeded(choice, { usage: value.usage, characters: charactersOf(value), text: null })
  return { choice, completion: value }
}

function charactersOf({ body, usage }: Completion): number {
  return usage === null ? JSON.stringify(body['choices']).length : 0
}
