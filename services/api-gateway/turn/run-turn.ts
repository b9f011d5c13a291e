import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import { type ErrorCode, ServiceError } from '#chassis/errors.ts'
import type { ActionNeeds } from '../action.ts'
import type { ChatTurn, Conversations } from '../conversation.ts'
import { elapsedMs } from '../elapsed.ts'
import type { Memory, Recalled } from '../memory.ts'
import type { Completion, Router, RouterNote, ToolCall } from '../router.ts'
import { runToolCall, type ToolCallRecord, type ToolResult } from './tool-call.ts'
import { TOOL_DEFINITIONS } from './tools.ts'

export interface TurnRequest {
  readonly userId: string
  readonly conversationId: string
  readonly inputText: string
  readonly profile: string | undefined
}

export interface TurnNeeds extends ActionNeeds {
  readonly memory: Memory
  readonly router: Router
  readonly conversations: Conversations
  readonly clock: Clock
  readonly stepsMax: number
}

export type CompletionReason = 'ok' | 'timeout' | 'fallback' | 'error'

/** What a turn came to; filled as it goes, so that a turn that failed midway still says what it did. */
export interface TurnOutcome {
  assistantText: string
  completionReason: CompletionReason
  fallbackUsed: boolean
  readonly toolCalls: ToolCallRecord[]
  readonly toolResults: ToolResult[]
  readonly memory: { written: boolean; retrievedCount: number; hasFailed: boolean }
  readonly latency: { memoryReadMs: number; modelMs: number; toolMs: number; memoryWriteMs: number }
  error: { readonly code: ErrorCode; readonly message: string } | null
}

function emptyOutcome(): TurnOutcome {
  return {
    assistantText: '',
    completionReason: 'ok',
    fallbackUsed: false,
    toolCalls: [],
    toolResults: [],
    memory: { written: false, retrievedCount: 0, hasFailed: false },
    latency: { memoryReadMs: 0, modelMs: 0, toolMs: 0, memoryWriteMs: 0 },
    error: null,
  }
}

/**
 * A whole assistant turn: recall, model with tools, tools through policy, answer, remember. Failures end up in the
 * outcome; what the request names and nobody knows (its profile) is thrown, as no turn was begun.
 */
export async function runTurn(
  request: TurnRequest,
  needs: TurnNeeds,
  call: CallContext,
): Promise<TurnOutcome> {
  const outcome = emptyOutcome()
  const recalled = await needs.memory.recall(request.inputText, call)
  outcome.latency.memoryReadMs = recalled.step.duration_ms
  outcome.memory.retrievedCount = recalled.passages.length
  outcome.memory.hasFailed = recalled.step.status === 'failed'
  try {
    await converse({ request, passages: recalled.passages, outcome }, needs, call)
  } catch (error) {
    if (isUnknownProfile(error, outcome)) throw error
    recordFailure(outcome, error)
  }
  if (outcome.error === null) await remember(request, outcome, needs, call)
  return outcome
}

interface Turn {
  readonly request: TurnRequest
  readonly passages: readonly Recalled[]
  readonly outcome: TurnOutcome
}

async function converse(turn: Turn, needs: TurnNeeds, call: CallContext): Promise<void> {
  const { request, outcome } = turn
  const history = needs.conversations.turnsOf(request.conversationId)
  const messages: object[] = [...history, { role: 'user', content: request.inputText }]
  for (let step = 1; step <= needs.stepsMax; step += 1) {
    const completion = await askModel(turn, messages, needs, call)
    const message = completion.choices[0]?.message
    const toolCalls = message?.tool_calls ?? []
    if (toolCalls.length === 0) {
      outcome.assistantText = message?.content ?? ''
      return
    }
    messages.push({ role: 'assistant', content: message?.content ?? null, tool_calls: toolCalls })
    const isWaiting = await runTools({ toolCalls, messages, turn }, needs, call)
    if (isWaiting) {
      outcome.assistantText = 'This needs your approval before it can be done.'
      return
    }
  }
  throw new ServiceError('TIMEOUT', `The model asked for tools in all of its ${needs.stepsMax} steps`)
}

async function askModel(
  turn: Turn,
  messages: readonly object[],
  needs: TurnNeeds,
  call: CallContext,
): Promise<Completion> {
  const startedAtMs = needs.clock.monotonicMs()
  try {
    const completion = await needs.router.complete(
      {
        messages,
        tools: TOOL_DEFINITIONS,
        sonia: {
          context: turn.passages.map(({ id, content }) => ({ id, content })),
          profile: turn.request.profile ?? 'tool_execution',
        },
      },
      call,
    )
    noteChoice(turn.outcome, completion.sonia ?? {})
    return completion
  } finally {
    turn.outcome.latency.modelMs += elapsedMs(needs.clock, startedAtMs)
  }
}

function noteChoice(outcome: TurnOutcome, { reason_code: reasonCode }: RouterNote): void {
  if (reasonCode === undefined || reasonCode === 'PROFILE_MATCH') return
  outcome.fallbackUsed = true
  outcome.completionReason = 'fallback'
}

interface ToolStep {
  readonly toolCalls: readonly ToolCall[]
  readonly messages: object[]
  readonly turn: Turn
}

/** One after the other, since each may depend on what the one before did. True: a person must approve first. */
async function runTools(
  { toolCalls, messages, turn }: ToolStep,
  needs: TurnNeeds,
  call: CallContext,
): Promise<boolean> {
  const { outcome, request } = turn
  for (const toolCall of toolCalls) {
    const startedAtMs = needs.clock.monotonicMs()
    const { record, result } = await runToolCall(toolCall, request.conversationId, needs, call)
    outcome.latency.toolMs += elapsedMs(needs.clock, startedAtMs)
    outcome.toolCalls.push(record)
    outcome.toolResults.push(result)
    if (result.status === 'approval_required') return true
    messages.push({
      role: 'tool',
      tool_call_id: toolCall.id,
      content: JSON.stringify(result.result ?? result.error),
    })
  }
  return false
}

async function remember(
  request: TurnRequest,
  outcome: TurnOutcome,
  needs: TurnNeeds,
  call: CallContext,
): Promise<void> {
  const turns: readonly ChatTurn[] = [
    { role: 'user', content: request.inputText },
    { role: 'assistant', content: outcome.assistantText },
  ]
  needs.conversations.add(request.conversationId, turns)
  const { step, written } = await needs.memory.remember(
    {
      question: request.inputText,
      answer: outcome.assistantText,
      sessionId: request.conversationId,
      // A tool's output is kept where the tool left it; recalling it as knowledge would age badly.
      isStandIn: outcome.toolCalls.length > 0,
    },
    call,
  )
  outcome.memory.written = written
  outcome.memory.hasFailed ||= step.status === 'failed'
  outcome.latency.memoryWriteMs = step.duration_ms
}

/** The router says NOT_FOUND of nothing else that a turn asks for; a tool's refusals are results. */
function isUnknownProfile(error: unknown, { toolCalls }: TurnOutcome): boolean {
  return error instanceof ServiceError && error.code === 'NOT_FOUND' && toolCalls.length === 0
}

function recordFailure(outcome: TurnOutcome, error: unknown): void {
  const known =
    error instanceof ServiceError
      ? error
      : new ServiceError('INTERNAL_ERROR', 'The turn failed', { cause: error })
  outcome.completionReason = known.code === 'TIMEOUT' ? 'timeout' : 'error'
  outcome.error = { code: known.code, message: known.message }
}
