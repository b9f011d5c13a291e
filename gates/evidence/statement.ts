import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

/** Predicates of others where they fit, one namespace of our own where they do not. */
export const PREDICATES = {
  testResult: 'https://in-toto.io/attestation/test-result/v0.1',
  provenance: 'https://slsa.dev/provenance/v1',
  summary: 'https://slsa.dev/verification_summary/v1',
  signOff: 'urn:sonia:release-signoff:v1',
} as const

/** Some verifiers read no more subjects than this. */
const SUBJECTS_MAX = 1024

const SubjectSchema = Type.Object(
  { name: Type.String(), digest: Type.Record(Type.String(), Type.String({ minLength: 1 })) },
  { additionalProperties: false },
)

const StatementSchema = Type.Object(
  {
    _type: Type.Literal(STATEMENT_TYPE),
    subject: Type.Array(SubjectSchema, { minItems: 1, maxItems: SUBJECTS_MAX }),
    predicateType: Type.String({ minLength: 1 }),
    predicate: Type.Record(Type.String(), Type.Unknown()),
  },
  { additionalProperties: false },
)

export type Statement = Static<typeof StatementSchema>

/** What every attestation of a bundle speaks of: its manifest, and the commit that was judged. */
export interface BundleSubject {
  readonly manifestSha256: string
  readonly commit: string
}

export function statementAbout(
  subject: BundleSubject,
  predicateType: string,
  predicate: Record<string, unknown>,
): Statement {
  return { _type: STATEMENT_TYPE, subject: subjectsOf(subject), predicateType, predicate }
}

export function statementBytes(statement: Statement): Buffer {
  return Buffer.from(JSON.stringify(statement))
}

/** Reads a statement strictly: what another reader of the same bytes could take for something else is an error. */
export function parseStatement(payload: Uint8Array): Statement {
  const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
  if (!Buffer.from(JSON.stringify(value)).equals(payload))
    throw new Error('the statement says more than its members, or says one twice')
  if (!Value.Check(StatementSchema, value)) {
    const [first] = Value.Errors(StatementSchema, value)
    throw new Error(`not an in-toto statement: ${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim())
  }
  return value
}

/** Exactly these two subjects, no fewer, no more. */
export function isAbout(statement: Statement, subject: BundleSubject): boolean {
  return JSON.stringify(statement.subject) === JSON.stringify(subjectsOf(subject))
}

export function manifestDigestIn(statement: Statement): string | undefined {
  return statement.subject.find((one) => one.name === 'MANIFEST.json')?.digest['sha256']
}

function subjectsOf(subject: BundleSubject): Statement['subject'] {
  return [
    { name: 'MANIFEST.json', digest: { sha256: subject.manifestSha256 } },
    { name: 'commit', digest: { gitCommit: subject.commit } },
  ]
}
