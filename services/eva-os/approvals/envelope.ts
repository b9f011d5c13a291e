import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { type Static, Type } from 'typebox'
import { ServiceError } from '#chassis/errors.ts'
import { TIERS } from '../policy/tiers.ts'

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Path = Type.String({ minLength: 1, maxLength: 4096 })
const FileNumber = Type.Integer({ minimum: 0 })
const Text = Type.String({ maxLength: 65_536 })

/** One exact call, as openclaw resolved it: what runs, on what, where, for whom. Nothing else may run on its approval. */
export const Envelope = Type.Object(
  {
    tool: Type.String({ minLength: 1, maxLength: 64 }),
    /** SHA-256 of the RFC 8785 form of the validated arguments. */
    canonical_args_sha256: Sha256,
    argv: Type.Union([Type.Array(Text, { minItems: 1, maxItems: 1024 }), Type.Null()]),
    timeout_ms: Type.Integer({ minimum: 1, maximum: 600_000 }),
    program: Type.Union([
      Type.Object(
        { path: Path, device: FileNumber, inode: FileNumber, sha256: Sha256 },
        { additionalProperties: false },
      ),
      Type.Null(),
    ]),
    cwd: Type.Union([
      Type.Object({ path: Path, device: FileNumber, inode: FileNumber }, { additionalProperties: false }),
      Type.Null(),
    ]),
    /** Names, or NAME=value, of the environment that the program sees. */
    env: Type.Array(Text, { maxItems: 64 }),
    /** Digest of each operand; null for one that does not exist yet or is no file. */
    operands: Type.Array(
      Type.Object({ path: Path, sha256: Type.Union([Sha256, Type.Null()]) }, { additionalProperties: false }),
      { maxItems: 256 },
    ),
    principal: Type.String({ pattern: '^[A-Za-z0-9_.:@-]{1,128}$' }),
    session_id: Type.Union([Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,128}$' }), Type.Null()]),
    tier: Type.Enum([...TIERS]),
    grammar_match: Type.Boolean(),
  },
  { additionalProperties: false },
)

export type Envelope = Static<typeof Envelope>

/** Digest of any JSON value in its RFC 8785 form; undefined for what has none (a lone surrogate, say). */
export function canonicalSha256(value: unknown): string | undefined {
  const text = canonicalize(value)
  return text?.isWellFormed() === true ? hash('sha256', text) : undefined
}

export function envelopeSha256(envelope: Envelope): string {
  const digest = canonicalSha256(envelope)
  if (digest === undefined) throw new ServiceError('INVALID_ARGUMENT', 'The envelope is not well-formed text')
  return digest
}

/** Names of the parts in which two calls differ, for the audit: values stay out of it. */
export function differences(one: Envelope, other: Envelope): string[] {
  const names = Object.keys(one) as (keyof Envelope)[]
  return names.filter((name) => canonicalSha256(one[name]) !== canonicalSha256(other[name]))
}
