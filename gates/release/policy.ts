import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { parseSshKey, sshFingerprint, type SshPublicKey } from '../evidence/ssh-key.ts'

/** The gates that people must sign for, in the order of the checklist. Gate 6 is this lock itself. */
export const SIGNED_GATES = [
  'go-no-go',
  'soak',
  'determinism',
  'security',
  'durability',
  'observability',
] as const
export type SignedGate = (typeof SIGNED_GATES)[number]

/** What a sign-off may speak of: a gate, or the decision to release. */
export const SIGN_OFF_TOPICS = [...SIGNED_GATES, 'release'] as const
export type SignOffTopic = (typeof SIGN_OFF_TOPICS)[number]

const closed = { additionalProperties: false } as const
const Moment = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' })
const KeyId = Type.String({ pattern: '^SHA256:[A-Za-z0-9+/]{43}$' })
const Word = Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$' })
const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._+@-]{0,119}$' })
const Rule = Type.Object(
  {
    roles: Type.Array(Word, { minItems: 1, uniqueItems: true }),
    /** Different people with different keys; none is no threshold. */
    threshold: Type.Integer({ minimum: 1, maximum: 20 }),
  },
  closed,
)

export const ReleasePolicySchema = Type.Object(
  {
    format: Type.Literal('sonia-release-policy/1'),
    /** Rises with every change; an older one is refused once a newer one sealed a release. */
    version: Type.Integer({ minimum: 1 }),
    valid_until: Moment,
    evidence_max_age_hours: Type.Number({ exclusiveMinimum: 0, maximum: 8760 }),
    sign_off_max_age_hours: Type.Number({ exclusiveMinimum: 0, maximum: 8760 }),
    people: Type.Array(
      Type.Object(
        {
          name: Name,
          /** As git knows them: who wrote the commit cannot sign for it. */
          emails: Type.Array(Type.String({ minLength: 3 }), { minItems: 1 }),
          roles: Type.Array(Word, { minItems: 1, uniqueItems: true }),
          keys: Type.Array(
            Type.Object(
              {
                public_key: Type.String({ minLength: 20 }),
                valid_after: Type.Union([Moment, Type.Null()]),
                valid_before: Type.Union([Moment, Type.Null()]),
              },
              closed,
            ),
            { minItems: 1 },
          ),
        },
        closed,
      ),
      { minItems: 1 },
    ),
    machines: Type.Array(Type.Object({ key_id: KeyId, operators: Type.Array(Name) }, closed), {
      minItems: 1,
    }),
    gates: Type.Object(
      {
        'go-no-go': Rule,
        soak: Rule,
        determinism: Rule,
        security: Rule,
        durability: Rule,
        observability: Rule,
      },
      closed,
    ),
    release: Rule,
    revoked: Type.Array(Type.Object({ key_id: KeyId, reason: Type.String({ minLength: 1 }) }, closed)),
  },
  { ...closed, title: 'Who may release, and what it takes' },
)

export type ReleasePolicy = Static<typeof ReleasePolicySchema>
export type Person = ReleasePolicy['people'][number]
export type PolicyRule = Static<typeof Rule>

/** A key of a person, read. */
export interface PersonKey {
  readonly person: Person
  readonly key: SshPublicKey
  readonly keyId: string
  readonly validAfterMs: number
  readonly validBeforeMs: number
}

/** Reads a policy strictly; a rule that nobody could ever meet is an error, not a lock that never opens. */
export function parsePolicy(text: string): ReleasePolicy {
  const value: unknown = JSON.parse(text)
  if (!Value.Check(ReleasePolicySchema, value)) {
    const [first] = Value.Errors(ReleasePolicySchema, value)
    throw new Error(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit the schema'}`.trim())
  }
  refuseRepeats(
    value.people.map((one) => one.name),
    'name',
  )
  refuseRepeats(
    keysOf(value).map((one) => one.keyId),
    'key',
  )
  for (const topic of SIGN_OFF_TOPICS) refuseUnreachable(value, topic)
  return value
}

export function ruleOf(policy: ReleasePolicy, topic: SignOffTopic): PolicyRule {
  return topic === 'release' ? policy.release : policy.gates[topic]
}

export function keysOf(policy: ReleasePolicy): readonly PersonKey[] {
  return policy.people.flatMap((person) =>
    person.keys.map((one) => {
      const key = parseSshKey(one.public_key)
      return {
        person,
        key,
        keyId: sshFingerprint(key),
        validAfterMs: one.valid_after === null ? -Infinity : Date.parse(one.valid_after),
        validBeforeMs: one.valid_before === null ? Infinity : Date.parse(one.valid_before),
      }
    }),
  )
}

export function revocationOf(policy: ReleasePolicy, keyId: string): string | null {
  return policy.revoked.find((one) => one.key_id === keyId)?.reason ?? null
}

export function isValidAt(key: PersonKey, atMs: number): boolean {
  return atMs >= key.validAfterMs && atMs < key.validBeforeMs
}

export function holdsRoleFor(policy: ReleasePolicy, person: Person, topic: SignOffTopic): boolean {
  return ruleOf(policy, topic).roles.some((role) => person.roles.includes(role))
}

function refuseRepeats(names: readonly string[], what: string): void {
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw new Error(`the ${what} ${repeated} is listed twice`)
}

function refuseUnreachable(policy: ReleasePolicy, topic: SignOffTopic): void {
  const able = policy.people.filter((person) => holdsRoleFor(policy, person, topic))
  const { threshold } = ruleOf(policy, topic)
  if (able.length < threshold)
    throw new Error(`${topic} needs ${threshold} signer(s), and ${able.length} hold a role for it`)
}
