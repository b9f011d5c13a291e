import type { StreamPart } from '../provider.ts'
import { formatSse } from '../streaming/sse-parser.ts'
import { BrokenAnswer, CallerGone, UpstreamFault } from '../upstream-fault.ts'
import type { Usage } from '../wire.ts'
import type { TurnSurroundings } from './complete-turn.ts'
import { canContinue, continuationOf, rewrittenPart } from './continuation.ts'
import { createProgress, type ProgressRecord } from './progress.ts'
import { BrokenTrial, tryCandidates } from './try-candidates.ts'
import { type AttemptResult, type Choice, modelCall, type Turn } from './turn.ts'

/** Where a streamed answer goes. */
export interface StreamSink {
  /**
   * The first token is here: from now on the client sees an answer, and this choice gives it. What is returned is
   * put into the first chunk; null leaves the stream as it came, byte for byte.
   */
  begin(choice: Choice): Readonly<Record<string, unknown>> | null
  write(bytes: Buffer): Promise<void> | undefined
  /** The answer is complete. */
  end(): void
  /** The answer has begun and cannot be completed: tells the client so in a typed event. */
  fail(error: UpstreamFault | CallerGone, choice: Choice): void
}

const HELD_BYTES_MAX = 1 << 20

/**
 * A streamed answer. Before the first token a failing candidate is replaced unseen, and if nobody is left this
 * rejects; from the first token on every path ends in `sink.end` or `sink.fail`.
 */
export async function streamTurn(turn: Turn, sink: StreamSink, around: TurnSurroundings): Promise<void> {
  const progress = createProgress({ keepText: turn.plan.profile.settings.continue_elsewhere })
  await streamFrom({ turn, sink, around, progress, isContinuation: false })
}

interface Streaming {
  readonly turn: Turn
  readonly sink: StreamSink
  readonly around: TurnSurroundings
  readonly progress: ProgressRecord
  readonly isContinuation: boolean
}

async function streamFrom(streaming: Streaming): Promise<void> {
  const { turn, around, sink } = streaming
  let last: Choice | null = null
  try {
    await tryCandidates({
      candidates: turn.plan.candidates,
      ...(streaming.isContinuation ? { reason: 'FALLBACK_USED' as const } : {}),
      ...around,
      attempt: async (choice) => {
        last = choice
        const result = await relay(streaming, choice)
        around.observer.succeeded(choice, result)
      },
    })
  } catch (error) {
    if (error instanceof BrokenTrial) return continueOrFail(streaming, error)
    const isBegun = streaming.progress.current.hasBegun && !streaming.isContinuation
    if (error instanceof CallerGone && isBegun && last !== null) return sink.fail(error, last)
    throw error
  }
}

async function continueOrFail(streaming: Streaming, broken: BrokenTrial): Promise<void> {
  const { turn, sink, progress } = streaming
  const said = progress.current
  if (!canContinue(turn, said)) return sink.fail(broken.fault, broken.choice)
  try {
    await streamFrom({ ...streaming, turn: continuationOf(turn, said, broken.choice), isContinuation: true })
  } catch (error) {
    // Nobody could go on. What ends the answer is the first break; the others are in the log.
    sink.fail(error instanceof CallerGone ? error : broken.fault, broken.choice)
  }
}

/** Passes one attempt's parts on, holding back what comes before the first token. */
async function relay(streaming: Streaming, choice: Choice): Promise<AttemptResult> {
  const { turn, around, sink } = streaming
  const tally = createTally(around.observer.keepsText)
  const gate = createGate(streaming, choice)
  try {
    for await (const part of choice.candidate.provider.stream(modelCall(turn, choice.candidate))) {
      tally.note(part)
      if (part.hasToken && !gate.isOpen()) around.observer.firstToken(choice)
      await gate.pass(part)
      if (part.isEnd) sink.end()
    }
  } catch (error) {
    throw gate.isOpen() && error instanceof UpstreamFault ? new BrokenAnswer(error) : error
  }
  return tally.result()
}

interface Gate {
  readonly isOpen: () => boolean
  pass(part: StreamPart): Promise<void>
}

/** Closed until the first token; then lets everything through, first of all what it held. */
function createGate({ sink, progress, isContinuation }: Streaming, choice: Choice): Gate {
  const { head } = progress.current
  const held: StreamPart[] = []
  let heldBytes = 0
  let isOpen = false

  /** What was held and the first token; those of a continuation are dropped but for the token. */
  async function open(first: StreamPart): Promise<void> {
    isOpen = true
    const note = isContinuation ? null : sink.begin(choice)
    for (const part of isContinuation ? [first] : annotated([...held, first], note)) await send(part)
  }

  async function send(part: StreamPart): Promise<void> {
    const bytes = isContinuation ? rewrittenPart(part, head, choice) : part.raw
    if (bytes.length > 0) await sink.write(bytes)
  }

  function hold(part: StreamPart): void {
    if (part.isEnd) throw new UpstreamFault('malformed', 'stream ended without a token')
    heldBytes += part.raw.length
    if (heldBytes > HELD_BYTES_MAX) throw new UpstreamFault('malformed', 'too much before the first token')
    held.push(part)
  }

  return {
    isOpen: () => isOpen,
    async pass(part) {
      if (!isOpen && !part.hasToken) return hold(part)
      progress.note(part)
      await (isOpen ? send(part) : open(part))
    },
  }
}

/** The parts with a note in the first chunk among them. */
function annotated(parts: StreamPart[], note: Readonly<Record<string, unknown>> | null): StreamPart[] {
  const at = parts.findIndex(({ chunk }) => chunk !== null)
  const part = parts[at]
  if (note === null || part === undefined) return parts
  return parts.with(at, { ...part, raw: formatSse({ ...part.chunk, ...note }) })
}

function createTally(keepsText: boolean) {
  const texts: string[] = []
  let usage: Usage | null = null
  let characters = 0
  return {
    note(part: StreamPart) {
      usage = part.usage ?? usage
      characters += part.text.length
      if (keepsText) texts.push(part.text)
    },
    result: (): AttemptResult => ({ usage, characters, text: keepsText ? texts.join('') : null }),
  }
}
