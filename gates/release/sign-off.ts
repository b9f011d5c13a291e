import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { IN_TOTO_TYPE, parseDsse, payloadOf, preAuthEncoding, type DsseEnvelope } from '../evidence/dsse.ts'
import { sha256 } from '../evidence/sha256.ts'
import {
  manifestDigestIn,
  parseStatement,
  PREDICATES,
  statementAbout,
  statementBytes,
  type BundleSubject,
} from '../evidence/statement.ts'
import { SIGN_OFF_TOPICS } from './policy.ts'
import {
  armor,
  NAMESPACES,
  parseSshSignature,
  signatureBody,
  sshSign,
  type SshSignature,
} from './ssh-signature.ts'

const DECISIONS = ['approve', 'reject', 'hold', 'withdraw'] as const
export type Decision = (typeof DECISIONS)[number]

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

const SignOffSchema = Type.Object(
  {
    topic: Type.Enum([...SIGN_OFF_TOPICS]),
    decision: Type.Enum([...DECISIONS]),
    person: Type.String({ minLength: 1, maxLength: 120 }),
    run_id: Type.String(),
    at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{3})?Z$' }),
    reason: Type.Union([Type.String({ minLength: 1, maxLength: 1000 }), Type.Null()]),
    /** Digests of all sign-offs that lay in the bundle then: none of them can vanish later. */
    seen: Type.Array(Sha256, { uniqueItems: true, maxItems: 1000 }),
  },
  { additionalProperties: false },
)

export type SignOff = Static<typeof SignOffSchema>

/** One sign-off as found in a bundle: read, not yet believed. */
export interface SignOffFile {
  readonly name: string
  readonly digest: string
  readonly signOff: SignOff
  readonly manifestSha256: string | undefined
  readonly envelope: DsseEnvelope
  readonly signature: SshSignature
  readonly message: Buffer
}

export const SIGN_OFF_PREFIX = 'sign-off-'

/** Signs with a person's SSH key; returns the name and content of the file to add to the bundle. */
export async function makeSignOff(
  subject: BundleSubject,
  signOff: SignOff,
  keyFile: string,
): Promise<{ readonly name: string; readonly content: string }> {
  const payload = statementBytes(statementAbout(subject, PREDICATES.signOff, signOff))
  const signature = await sshSign(preAuthEncoding(IN_TOTO_TYPE, payload), keyFile, NAMESPACES.signOff)
  const envelope: DsseEnvelope = {
    payloadType: IN_TOTO_TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid: signature.keyId, sig: signatureBody(signature) }],
  }
  const content = `${JSON.stringify(envelope)}\n`
  return { name: nameOf(signOff, sha256(content)), content }
}

/** Reads a sign-off strictly. Whether it counts is decided elsewhere. */
export function readSignOff(name: string, content: string): SignOffFile {
  const envelope = parseDsse(content)
  const [one, ...more] = envelope.signatures
  if (one === undefined || more.length > 0) throw new Error('a sign-off carries exactly one signature')
  const signature = parseSshSignature(armor(one.sig))
  if (signature.keyId !== one.keyid) throw new Error('the key id is not that of the key inside the signature')
  if (signature.namespace !== NAMESPACES.signOff)
    throw new Error(`it was signed for ${signature.namespace}, not for ${NAMESPACES.signOff}`)
  const payload = payloadOf(envelope)
  const statement = parseStatement(payload)
  if (statement.predicateType !== PREDICATES.signOff) throw new Error('it is not a sign-off')
  const signOff = statement.predicate
  if (!Value.Check(SignOffSchema, signOff)) throw new Error('its predicate is not that of a sign-off')
  const digest = sha256(content)
  if (name !== nameOf(signOff, digest)) throw new Error('its name does not follow from its content')
  return {
    name,
    digest,
    signOff,
    manifestSha256: manifestDigestIn(statement),
    envelope,
    signature,
    message: preAuthEncoding(envelope.payloadType, payload),
  }
}

function nameOf(signOff: SignOff, digest: string): string {
  return `${SIGN_OFF_PREFIX}${signOff.topic}-${digest.slice(0, 16)}.dsse.json`
}
