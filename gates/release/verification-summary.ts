import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import { sha256OfFile } from '../evidence/sha256.ts'
import { PREDICATES, statementAbout, type BundleSubject, type Statement } from '../evidence/statement.ts'
import { SIGNED_GATES, type SignedGate } from './policy.ts'

export const SUMMARY = 'verification-summary'

/** Numbers of the seed. */
const LEVELS: Readonly<Record<SignedGate, string>> = {
  'go-no-go': 'SONIA_GATE_1',
  soak: 'SONIA_GATE_2',
  determinism: 'SONIA_GATE_2B',
  security: 'SONIA_GATE_3',
  durability: 'SONIA_GATE_4',
  observability: 'SONIA_GATE_5',
}

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Digest = Type.Object({ sha256: Sha256 }, { additionalProperties: false })

const SummarySchema = Type.Object(
  {
    verifier: Type.Object({ id: Type.String() }, { additionalProperties: false }),
    timeVerified: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }),
    resourceUri: Type.String(),
    policy: Type.Object({ uri: Type.String(), digest: Digest }, { additionalProperties: false }),
    inputAttestations: Type.Array(
      Type.Object({ uri: Type.String(), digest: Digest }, { additionalProperties: false }),
      { minItems: 1 },
    ),
    verificationResult: Type.Literal('PASSED'),
    verifiedLevels: Type.Array(Type.String(), { minItems: 1 }),
    sonia: Type.Object(
      {
        run_id: Type.String(),
        number: Type.Integer({ minimum: 1 }),
        version: Type.String(),
        released_by: Type.String(),
        checklist_sha256: Sha256,
        page_sha256: Sha256,
        previous_sha256: Type.Union([Sha256, Type.Null()]),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)

export type Summary = Static<typeof SummarySchema>

export function summaryStatement(subject: BundleSubject, summary: Summary): Statement {
  return statementAbout(subject, PREDICATES.summary, summary)
}

export function summaryIn(statement: Statement): Summary {
  if (statement.predicateType !== PREDICATES.summary) throw new Error('it is not a verification summary')
  const { predicate } = statement
  if (!Value.Check(SummarySchema, predicate))
    throw new Error('its predicate is not that of a verification summary')
  return predicate
}

export const VERIFIED_LEVELS = [...SIGNED_GATES.map((gate) => LEVELS[gate]), 'SONIA_RELEASE_APPROVED']

/** Digest of every attestation and sign-off that the decision rests on. */
export async function inputAttestations(bundle: string): Promise<Summary['inputAttestations']> {
  const names = (await readdir(join(bundle, LAYOUT.attestations)))
    .filter((name) => name.endsWith('.dsse.json') && !name.startsWith(SUMMARY))
    .toSorted()
  return Promise.all(
    names.map(async (name) => {
      const uri = `${LAYOUT.attestations}/${name}`
      return { uri, digest: { sha256: await sha256OfFile(join(bundle, uri)) } }
    }),
  )
}
