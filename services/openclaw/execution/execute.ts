import type { TObject } from 'typebox'
import { Compile } from 'typebox/compile'
import type { CallContext } from '#chassis/call-context.ts'
import { ServiceError } from '#chassis/errors.ts'
import { withSpan } from '#chassis/tracing.ts'
import { refusal } from '../refusal.ts'
import type { PreparedCall, RunBounds, Tool, ToolOutcome } from '../toolbox/tool.ts'
import type { AuditLog } from './audit-log.ts'
import { type Envelope, hashArguments, makeEnvelope } from './envelope.ts'
import { type Permission, type PolicyClient, assertTokenShape } from './policy-client.ts'

export interface ExecuteRequest {
  readonly toolName: string
  readonly args: Readonly<Record<string, unknown>>
  readonly timeoutMs: number
  readonly approvalToken: string | null
  readonly principal: string
  readonly sessionId: string | null
  readonly cwd: string | null
}

export interface Execution extends ToolOutcome {
  readonly durationMs: number
}

export interface ExecutorParts {
  readonly tools: ReadonlyMap<string, AnyTool>
  readonly policy: PolicyClient
  readonly audit: AuditLog
  readonly makeId: () => string
  readonly monotonicMs: () => number
  /** Told about every end: executed, error, timeout or refused. */
  readonly observe: (seen: {
    readonly tool: string
    readonly outcome: string
    readonly durationMs: number
  }) => void
  readonly onAuditFailure: (error: unknown) => void
}

/** A tool whose arguments were checked against its own schema, so their type is erased here. */
export type AnyTool = Tool<TObject, never>

export type Executor = (request: ExecuteRequest, call: CallContext) => Promise<Execution>

/**
 * Executions at the same time; more are told to come back, nothing queues. A call that brings an approval is let in
 * all the same: a person waits for it, and of many that bring one approval all but one end before anything runs.
 */
const CONCURRENT_EXECUTIONS_MAX = 16

/** The one way to run a tool: understand, ask policy (or redeem an approval), audit, run, audit. */
export function createExecutor(parts: ExecutorParts): Executor {
  const checkers = new Map([...parts.tools].map(([name, tool]) => [name, Compile(tool.schema)]))
  let running = 0
  return async (request, call) => {
    const startedMs = parts.monotonicMs()
    const end = (outcome: string) => {
      parts.observe({ tool: request.toolName, outcome, durationMs: parts.monotonicMs() - startedMs })
    }
    try {
      if (running >= CONCURRENT_EXECUTIONS_MAX && request.approvalToken === null) {
        throw new ServiceError('RATE_LIMITED', 'Too many tools are running.', { retryAfterSeconds: 1 })
      }
      running++
      try {
        const outcome = await executeCall(parts, checkers, request, call)
        end(outcome.status)
        return { ...outcome, durationMs: parts.monotonicMs() - startedMs }
      } finally {
        running--
      }
    } catch (error) {
      end(isRefusal(error) ? 'refused' : 'error')
      noteRefusal(parts, request, call, error)
      throw error
    }
  }
}

type Checkers = ReadonlyMap<string, { readonly Check: (value: unknown) => boolean }>

async function executeCall(
  parts: ExecutorParts,
  checkers: Checkers,
  request: ExecuteRequest,
  call: CallContext,
): Promise<ToolOutcome> {
  const tool = findTool(parts, checkers, request)
  const prepared = tool.prepare({ args: request.args as never, cwd: request.cwd })
  try {
    const envelope = makeEnvelope({ ...request, tool: tool.name }, prepared)
    const permission = await obtainPermission(parts.policy, { request, prepared, envelope }, call)
    const entry = auditEntry(parts, request, { prepared, envelope, permission, call })
    await auditOrRefuse(parts, { phase: 'before', ...entry })
    return await runAudited(parts, { request, prepared, envelope, permission, entry }, call)
  } finally {
    prepared.release()
  }
}

function findTool(parts: ExecutorParts, checkers: Checkers, { toolName, args }: ExecuteRequest): AnyTool {
  const tool = parts.tools.get(toolName)
  if (tool === undefined) throw refusal('UNKNOWN_TOOL', 'There is no such tool.')
  if (checkers.get(toolName)?.Check(args) !== true) {
    throw new ServiceError('INVALID_ARGUMENT', `The arguments do not fit the schema of ${toolName}.`)
  }
  if (tool.unavailable !== null) throw new ServiceError('UNAVAILABLE', tool.unavailable)
  return tool
}

interface Question {
  readonly request: ExecuteRequest
  readonly prepared: PreparedCall
  readonly envelope: Envelope
}

async function obtainPermission(
  policy: PolicyClient,
  { request, prepared, envelope }: Question,
  call: CallContext,
): Promise<Permission> {
  const { approvalToken, toolName, args, cwd } = request
  if (approvalToken === null) {
    const permission = await policy.decide({ toolName, args, cwd, envelope }, call)
    prepared.assertRunnable()
    return permission
  }
  assertTokenShape(approvalToken)
  prepared.assertRunnable()
  prepared.holdOperands?.()
  return policy.redeem(approvalToken, envelope, call)
}

type Entry = Readonly<Record<string, unknown>> & { readonly execution_id: string }

async function runAudited(
  parts: ExecutorParts,
  run: Question & { readonly permission: Permission; readonly entry: Entry },
  call: CallContext,
): Promise<ToolOutcome> {
  const { request, prepared, envelope, permission, entry } = run
  const startedMs = parts.monotonicMs()
  const leftMs = call.deadlineAtMs - startedMs
  const note = (ended: Readonly<Record<string, unknown>>) =>
    auditOrRefuse(parts, { phase: 'after', ...entry, ...ended, duration_ms: parts.monotonicMs() - startedMs })
  try {
    const bounds: RunBounds = {
      timeoutMs: Math.max(1, Math.min(request.timeoutMs, leftMs)),
      signal: call.signal,
      permit: async (args) => {
        const grown = { ...envelope, canonical_args_sha256: hashArguments(args) }
        const { toolName, cwd } = request
        await parts.policy.decide({ toolName, args, cwd, envelope: grown }, call)
      },
    }
    const outcome = await withSpan(
      `tool ${request.toolName}`,
      { 'sonia.tool.name': request.toolName },
      call,
      () => prepared.run(permission.argv, bounds),
    )
    await note({ status: outcome.status, side_effects: outcome.sideEffects })
    return outcome
  } catch (error) {
    await note({ status: 'failed', code: error instanceof ServiceError ? error.code : 'INTERNAL_ERROR' })
    throw error
  }
}

function auditEntry(
  parts: ExecutorParts,
  request: ExecuteRequest,
  known: { prepared: PreparedCall; envelope: Envelope; permission: Permission; call: CallContext },
): Entry {
  const { prepared, envelope, permission, call } = known
  return {
    execution_id: `exe_${parts.makeId()}`,
    tool: request.toolName,
    subject: prepared.subject,
    args_sha256: envelope.canonical_args_sha256,
    tier: envelope.tier,
    permitted_by: permission.by,
    policy_version: permission.policyVersion,
    principal: request.principal,
    session_id: request.sessionId,
    correlation_id: call.correlationId,
  }
}

/** No record, no execution; and an execution whose end cannot be recorded is not reported as a success. */
async function auditOrRefuse(parts: ExecutorParts, entry: Parameters<AuditLog['append']>[0]): Promise<void> {
  try {
    await parts.audit.append(entry)
  } catch (cause) {
    parts.onAuditFailure(cause)
    throw new ServiceError('UNAVAILABLE', 'The audit log cannot be written.', { cause })
  }
}

function isRefusal(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.status < 500
}

function noteRefusal(parts: ExecutorParts, request: ExecuteRequest, call: CallContext, error: unknown): void {
  if (!isRefusal(error) || error.code === 'RATE_LIMITED') return
  const entry = {
    phase: 'refused',
    execution_id: 'none',
    tool: parts.tools.has(request.toolName) ? request.toolName : 'other',
    args_sha256: safeHash(request.args),
    code: error.code,
    reason: error.details?.['reason'] ?? null,
    principal: request.principal,
    correlation_id: call.correlationId,
  } as const
  parts.audit.append(entry).catch(parts.onAuditFailure)
}

function safeHash(args: unknown): string | null {
  try {
    return hashArguments(args)
  } catch {
    return null
  }
}
