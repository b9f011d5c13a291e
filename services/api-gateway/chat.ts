import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import type { Warning } from '#chassis/envelope.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { ChatTurn, Conversations } from './conversation.ts'
import { elapsedMs } from './elapsed.ts'
import { degradedMemory, type Memory, type MemoryStep, type Recalled } from './memory.ts'
import {
  type CompletionRequest,
  chunksOf,
  degradedBy,
  deltaOf,
  type Router,
  type RouterNote,
} from './router.ts'

export interface ChatRequest {
  readonly message: string
  readonly sessionId: string | undefined
  readonly model: string | undefined
}

export interface ChatData {
  readonly response: string
  readonly model: string
  readonly provider: string
  readonly stand_in: boolean
  readonly context_used: boolean
  readonly context: readonly { readonly id: string; readonly score: number }[]
  readonly provenance: {
    readonly memory_engine: MemoryStep
    readonly model_router: {
      readonly status: 'ok'
      readonly duration_ms: number
      readonly provider: string
      readonly model: string
    }
  }
}

export interface ChatAnswer {
  readonly data: ChatData
  readonly warning: Warning | undefined
}

export interface ChatNeeds {
  readonly memory: Memory
  readonly router: Router
  readonly conversations: Conversations
  readonly clock: Clock
}

interface Answer {
  readonly text: string
  readonly model: string
  readonly note: RouterNote
}

/** Resolves once there is room for the next piece. */
type OnDelta = (text: string) => Promise<void>

/** Recall, answer, remember. `onDelta` asks for a streamed answer; its pieces arrive while the model speaks. */
export async function chat(
  request: ChatRequest,
  needs: ChatNeeds,
  call: CallContext,
  onDelta?: OnDelta,
): Promise<ChatAnswer> {
  const { memory, router, conversations, clock } = needs
  const recalled = await memory.recall(request.message, call)
  const body = completionRequest(request, recalled.passages, conversations.turnsOf(request.sessionId))
  const startedAtMs = clock.monotonicMs()
  const answer =
    onDelta === undefined ? await whole(router, body, call) : await streamed(router, body, call, onDelta)
  const modelMs = elapsedMs(clock, startedAtMs)
  conversations.add(request.sessionId, [
    { role: 'user', content: request.message },
    { role: 'assistant', content: answer.text },
  ])
  const remembered = await memory.remember(
    {
      question: request.message,
      answer: answer.text,
      sessionId: request.sessionId,
      isStandIn: answer.note.stand_in === true,
    },
    call,
  )
  const step = joinSteps(recalled.step, remembered.step)
  return {
    data: chatData({ answer, passages: recalled.passages, memoryStep: step, modelMs }),
    warning: warningOf(step, answer.note),
  }
}

function completionRequest(
  { message, model }: ChatRequest,
  passages: readonly Recalled[],
  turns: readonly ChatTurn[],
): CompletionRequest {
  return {
    messages: [...turns, { role: 'user', content: message }],
    ...(model === undefined ? {} : { model }),
    sonia: {
      context: passages.map(({ id, content }) => ({ id, content })),
      profile: 'chat_low_latency',
    },
  }
}

async function whole(router: Router, body: CompletionRequest, call: CallContext): Promise<Answer> {
  const completion = await router.complete(body, call)
  const text = completion.choices[0]?.message?.content
  if (typeof text !== 'string') throw new ServiceError('UNAVAILABLE', 'The model gave no text')
  return { text, model: completion.model, note: completion.sonia ?? {} }
}

async function streamed(
  router: Router,
  body: CompletionRequest,
  call: CallContext,
  onDelta: OnDelta,
): Promise<Answer> {
  const answer = { text: '', model: '', note: {} as RouterNote }
  const { body: stream } = await router.stream(body, call)
  for await (const chunk of chunksOf(stream)) {
    if (chunk.model !== undefined) answer.model = chunk.model
    if (chunk.sonia !== undefined) answer.note = { ...answer.note, ...chunk.sonia }
    const delta = deltaOf(chunk)
    if (delta === '') continue
    answer.text += delta
    await onDelta(delta)
  }
  return answer
}

interface ChatParts {
  readonly answer: Answer
  readonly passages: readonly Recalled[]
  readonly memoryStep: MemoryStep
  readonly modelMs: number
}

function chatData({ answer, passages, memoryStep, modelMs }: ChatParts): ChatData {
  const { text, model, note } = answer
  const provider = note.provider ?? 'unknown'
  return {
    response: text,
    model,
    provider,
    stand_in: note.stand_in === true,
    context_used: passages.length > 0,
    context: passages.map(({ id, score }) => ({ id, score })),
    provenance: {
      memory_engine: memoryStep,
      model_router: { status: 'ok', duration_ms: modelMs, provider, model },
    },
  }
}

function joinSteps(recall: MemoryStep, remember: MemoryStep): MemoryStep {
  const steps = [recall, remember]
  const status = steps.some((step) => step.status === 'failed') ? 'failed' : remember.status
  return { status, duration_ms: Math.round((recall.duration_ms + remember.duration_ms) * 1000) / 1000 }
}

/** DEGRADED is what follows when something configured fails: the memory, or the provider that was preferred. */
function warningOf(memoryStep: MemoryStep, note: RouterNote): Warning | undefined {
  const causes = [degradedMemory(memoryStep), degradedBy(note.reason_code)].filter((cause) => cause !== null)
  return causes.length === 0 ? undefined : { code: 'DEGRADED', message: causes.join('; ') }
}
