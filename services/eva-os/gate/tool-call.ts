import { ServiceError } from '#chassis/errors.ts'
import { canonicalSha256, type Envelope } from '../approvals/envelope.ts'
import type { CallFacts } from '../policy/judge.ts'
import { effectiveTier, isTool, type Tier } from '../policy/tiers.ts'

/** A call somebody wants to make. Only openclaw, which resolved it, can bring the envelope. */
export interface ToolCall {
  readonly toolName: string
  readonly args: Readonly<Record<string, unknown>>
  readonly principal: string
  readonly sessionId: string | null
  readonly envelope: Envelope | null
}

/** What policy may know about the call. Throws INVALID_ARGUMENT where call and envelope are not one and the same. */
export function callFacts(call: ToolCall): CallFacts {
  const { envelope } = call
  if (envelope !== null) assertSameCall(call, envelope)
  return {
    tool: call.toolName,
    tier: tierOf(call.toolName, envelope),
    principal: call.principal,
    program: envelope?.program?.path ?? null,
    origin: call.toolName === 'browser.open' ? originOf(call.args['url']) : null,
  }
}

function assertSameCall(call: ToolCall, envelope: Envelope): void {
  const isCommand = call.toolName === 'shell.run'
  const differing = [
    ...(envelope.tool === call.toolName ? [] : ['tool']),
    ...(envelope.principal === call.principal ? [] : ['principal']),
    ...(envelope.session_id === call.sessionId ? [] : ['session_id']),
    ...(envelope.canonical_args_sha256 === canonicalSha256(call.args) ? [] : ['canonical_args_sha256']),
    ...((envelope.argv !== null) === isCommand ? [] : ['argv']),
    ...((envelope.program !== null) === isCommand ? [] : ['program']),
  ]
  if (differing.length === 0) return
  throw new ServiceError('INVALID_ARGUMENT', 'The envelope is of another call', { details: { differing } })
}

/** Nothing is known about a call without an envelope, so it counts as the worst its tool can do. */
function tierOf(tool: string, envelope: Envelope | null): Tier {
  if (!isTool(tool)) return 'TIER_3_DESTRUCTIVE'
  if (envelope === null) return effectiveTier(tool, { tier: 'TIER_0_READONLY', grammarMatch: false })
  return effectiveTier(tool, { tier: envelope.tier, grammarMatch: envelope.grammar_match })
}

function originOf(url: unknown): string | null {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).origin : null
}
