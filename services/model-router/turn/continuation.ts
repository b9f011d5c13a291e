import type { StreamPart } from '../provider.ts'
import { formatSse } from '../streaming/sse-parser.ts'
import type { Progress } from './progress.ts'
import type { Choice, Turn } from './turn.ts'

const CONTINUE =
  'Your answer was cut off. Continue it from exactly where it stops. Repeat nothing and do not mention the interruption.'

/** Whether another provider may go on with a broken answer. */
export function canContinue(turn: Turn, progress: Progress): boolean {
  const { continue_elsewhere: isWanted, max_input_characters: charactersMax } = turn.plan.profile.settings
  const { said, toolCallBegan } = progress
  return isWanted && !toolCallBegan && said !== '' && said.length <= charactersMax
}

/**
 * The rest of the turn: what was said is shown to the next provider. The embedded stand-in is left out;
 * quotations glued to half a sentence of a model would be worse than a clear end.
 */
export function continuationOf(turn: Turn, progress: Progress, after: Choice): Turn {
  const { candidates } = turn.plan
  const rest = candidates
    .slice(candidates.indexOf(after.candidate) + 1)
    .filter(({ provider }) => provider.kind !== 'embedded')
  const messages = [
    ...turn.request.messages,
    { role: 'assistant' as const, content: progress.said },
    { role: 'user' as const, content: CONTINUE },
  ]
  return {
    ...turn,
    plan: { ...turn.plan, candidates: rest },
    request: { ...turn.request, messages },
  }
}

/** A part of a continuation as the client sees it: the same answer, with a note of who goes on with it. */
export function rewrittenPart(part: StreamPart, head: Progress['head'], { candidate }: Choice): Buffer {
  if (part.chunk === null) return part.raw
  return formatSse({
    ...part.chunk,
    ...head,
    sonia: { provider: candidate.provider.id, reason_code: 'FALLBACK_USED', continued: true },
  })
}
