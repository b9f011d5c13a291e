import type { TObject } from 'typebox'
import type { ProgramIdentity } from '../containment/program-identity.ts'

export type Tier = 'TIER_0_READONLY' | 'TIER_1_COMPUTE' | 'TIER_2_CREATE' | 'TIER_3_DESTRUCTIVE'

export const TOOL_NAMES = ['shell.run', 'file.read', 'file.write', 'browser.open'] as const
export type ToolName = (typeof TOOL_NAMES)[number]

/** A call as it came in, its arguments already of the tool's schema. */
export interface ToolCall<Args> {
  readonly args: Args
  readonly cwd: string | null
}

export interface FolderIdentity {
  readonly path: string
  readonly device: number
  readonly inode: number
}

export interface OperandDigest {
  readonly path: string
  /** Null for what is no regular file, or not there (yet). */
  readonly sha256: string | null
}

/** What exactly would run: the part of the envelope that the tool alone can know. */
export interface CallFacts {
  readonly tier: Tier
  readonly grammarMatch: boolean
  readonly argv: readonly string[] | null
  readonly program: ProgramIdentity | null
  readonly cwd: FolderIdentity | null
  readonly env: readonly string[]
  readonly operands: readonly OperandDigest[]
}

export interface SideEffect {
  readonly type: 'file_written' | 'folder_created' | 'program_run' | 'page_loaded'
  readonly target: string
}

export interface ToolOutcome {
  readonly status: 'executed' | 'error' | 'timeout'
  readonly result: Readonly<Record<string, unknown>>
  readonly sideEffects: readonly SideEffect[]
}

export interface RunBounds {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Puts a call of the same tool with other arguments, into which this one grew, to policy. Throws the refusal. */
  readonly permit: (args: Readonly<Record<string, unknown>>) => Promise<void>
}

/** A call that was understood and may be put to policy. Whoever prepares one releases it. */
export interface PreparedCall {
  readonly facts: CallFacts
  /** One line for the audit: what it touches, never contents. */
  readonly subject: string
  /** Throws what holds even with an approval. Called before an approval is burned. */
  readonly assertRunnable: () => void
  /** Keeps the operands as they were looked at until the release. Called, in the same turn, before an approval is burned. */
  readonly holdOperands?: () => void
  /** Runs it; `argv` is what was approved, the caller's own is not consulted again. */
  readonly run: (argv: readonly string[] | null, bounds: RunBounds) => Promise<ToolOutcome>
  readonly release: () => void
}

export interface Tool<S extends TObject = TObject, Args = never> {
  readonly name: ToolName
  readonly summary: string
  /** Lowest and, where it depends on the call, highest tier. */
  readonly tiers: readonly Tier[]
  readonly schema: S
  readonly limits: Readonly<Record<string, number>>
  /** Why it cannot be used; null where it can. */
  readonly unavailable: string | null
  readonly prepare: (call: ToolCall<Args>) => PreparedCall
  /** Anything else that a caller may want to know before calling. */
  readonly describe?: () => Readonly<Record<string, unknown>>
}
