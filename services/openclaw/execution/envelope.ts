import canonicalize from 'canonicalize'
import { createHash } from 'node:crypto'
import { ServiceError } from '#chassis/errors.ts'
import type { FolderIdentity, OperandDigest, PreparedCall, Tier } from '../toolbox/tool.ts'
import type { ProgramIdentity } from '../containment/program-identity.ts'

/** What eva-os decides about and what an approval is bound to. Field names are the wire's. */
export interface Envelope {
  readonly tool: string
  readonly canonical_args_sha256: string
  readonly argv: readonly string[] | null
  readonly timeout_ms: number
  readonly program: ProgramIdentity | null
  readonly cwd: FolderIdentity | null
  readonly env: readonly string[]
  readonly operands: readonly OperandDigest[]
  readonly principal: string
  readonly session_id: string | null
  readonly tier: Tier
  readonly grammar_match: boolean
}

export interface EnvelopeSource {
  readonly tool: string
  readonly args: unknown
  readonly timeoutMs: number
  readonly principal: string
  readonly sessionId: string | null
}

export function makeEnvelope(source: EnvelopeSource, { facts }: PreparedCall): Envelope {
  return {
    tool: source.tool,
    canonical_args_sha256: hashArguments(source.args),
    argv: facts.argv,
    timeout_ms: source.timeoutMs,
    program: facts.program,
    cwd: facts.cwd,
    env: facts.env,
    operands: facts.operands,
    principal: source.principal,
    session_id: source.sessionId,
    tier: facts.tier,
    grammar_match: facts.grammarMatch,
  }
}

/** SHA-256 of the RFC 8785 form: the same for every spelling of the same JSON value, and for no other value. */
export function hashArguments(args: unknown): string {
  return createHash('sha256').update(canonicalText(args)).digest('hex')
}

function canonicalText(args: unknown): string {
  const text = canonicalize(args)
  // Lone surrogates have no canonical form.
  if (text === undefined || !text.isWellFormed())
    throw new ServiceError('INVALID_ARGUMENT', 'The arguments are not valid.')
  return text
}
