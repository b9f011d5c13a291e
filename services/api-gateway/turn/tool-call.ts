import type { CallContext } from '#chassis/call-context.ts'
import { ServiceError } from '#chassis/errors.ts'
import { type ActionNeeds, act, approvalRequestIn } from '../action.ts'
import type { ToolCall } from '../router.ts'
import { toolNameOf } from './tools.ts'

export interface ToolCallRecord {
  readonly id: string
  readonly tool_name: string
  readonly args: Readonly<Record<string, unknown>>
}

export interface ToolResult {
  readonly id: string
  readonly tool_name: string
  readonly status: string
  readonly result?: unknown
  readonly approval_request?: unknown
  readonly error?: { readonly code: string; readonly message: string }
}

/** Runs what a model asked for; a refusal is a result that the model is told, not a failure of the turn. */
export async function runToolCall(
  toolCall: ToolCall,
  sessionId: string,
  needs: ActionNeeds,
  call: CallContext,
): Promise<{ record: ToolCallRecord; result: ToolResult }> {
  const toolName = toolNameOf(toolCall.function.name)
  const args = parseArguments(toolCall.function.arguments)
  const record = { id: toolCall.id, tool_name: toolName, args: args ?? {} }
  const head = { id: toolCall.id, tool_name: toolName }
  if (args === null) {
    const error = { code: 'INVALID_ARGUMENT', message: 'the arguments are not a JSON object' }
    return { record, result: { ...head, status: 'error', error } }
  }
  try {
    const data = await act({ tool_name: toolName, args, session_id: sessionId }, needs, call)
    return { record, result: { ...head, status: data.status, result: data.result } }
  } catch (error) {
    return { record, result: { ...head, ...refusal(error) } }
  }
}

function refusal(error: unknown): Omit<ToolResult, 'id' | 'tool_name'> {
  if (!(error instanceof ServiceError)) throw error
  const { code, message } = error
  const approvalRequest = approvalRequestIn(error)
  return approvalRequest === null
    ? { status: 'error', error: { code, message } }
    : { status: 'approval_required', approval_request: approvalRequest, error: { code, message } }
}

function parseArguments(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}
