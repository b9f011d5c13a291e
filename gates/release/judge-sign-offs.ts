import { finding, type Finding, type FindingCode } from '../evidence/findings.ts'
import type { ReadManifest } from '../evidence/check-files.ts'
import {
  holdsRoleFor,
  isValidAt,
  keysOf,
  revocationOf,
  ruleOf,
  SIGNED_GATES,
  type Person,
  type ReleasePolicy,
  type SignOffTopic,
} from './policy.ts'
import type { SignOffFile } from './sign-off.ts'

/** A sign-off whose signature ssh-keygen accepted, by a person of the policy. */
export interface CountedSignOff {
  readonly file: SignOffFile
  readonly person: Person
}

/** Where one gate, or the decision to release, stands. */
export interface TopicState {
  readonly topic: SignOffTopic
  readonly threshold: number
  readonly approvals: readonly CountedSignOff[]
  readonly vetoes: readonly CountedSignOff[]
  readonly isApproved: boolean
  /** People who could still approve. */
  readonly couldSign: readonly string[]
}

/** Clocks of two people may differ by this much. */
const CLOCK_SKEW_MS = 5 * 60_000
const HOUR_MS = 3_600_000

export interface SignOffContext {
  readonly policy: ReleasePolicy
  readonly read: ReadManifest
  /** The moment that ages and key validity are judged at. */
  readonly atMs: number
}

/** Why a sign-off, its signature being good, does not count; null where it does. */
export function objectionTo(file: SignOffFile, context: SignOffContext): Finding | null {
  const { policy, read, atMs } = context
  const { signOff, signature } = file
  const path = `attestations/${file.name}`
  const no = (code: FindingCode, sentence: string) => finding(code, `${sentence} (${path})`, path)
  const known = keysOf(policy).find((one) => one.keyId === signature.keyId)
  if (known === undefined || known.person.name !== signOff.person)
    return no('SIGNOFF_UNKNOWN_KEY', `${signature.keyId} is no key of ${signOff.person} in the policy`)
  const revoked = revocationOf(policy, signature.keyId)
  if (revoked !== null) return no('KEY_REVOKED', `the key of ${signOff.person} was revoked: ${revoked}`)
  const signedMs = Date.parse(signOff.at)
  if (!isValidAt(known, signedMs) || !isValidAt(known, atMs))
    return no('KEY_EXPIRED', `the key of ${signOff.person} is not valid at that time`)
  if (file.manifestSha256 !== read.sha256 || signOff.run_id !== read.manifest.run_id)
    return no('SIGNOFF_STALE', `${signOff.person} signed for another manifest than this one`)
  return objectionToTime(signOff.at, context, no) ?? objectionToPerson(known.person, file, context, no)
}

type Objection = (code: FindingCode, sentence: string) => Finding

function objectionToTime(at: string, { policy, read, atMs }: SignOffContext, no: Objection): Finding | null {
  const signedMs = Date.parse(at)
  if (signedMs > atMs + CLOCK_SKEW_MS)
    return no('SIGNOFF_STALE', `the sign-off is dated ${at}, in the future`)
  if (signedMs + CLOCK_SKEW_MS < Date.parse(read.manifest.created_at))
    return no('SIGNOFF_STALE', `the sign-off is dated ${at}, before the evidence was written`)
  if (atMs - signedMs > policy.sign_off_max_age_hours * HOUR_MS)
    return no('SIGNOFF_STALE', `the sign-off of ${at} is older than ${policy.sign_off_max_age_hours} h`)
  return null
}

/** Only an approval needs a role and distance; anybody of the policy may object. */
function objectionToPerson(
  person: Person,
  { signOff }: SignOffFile,
  context: SignOffContext,
  no: Objection,
): Finding | null {
  if (signOff.decision !== 'approve') return null
  if (!holdsRoleFor(context.policy, person, signOff.topic))
    return no('SIGNOFF_ROLE', `${person.name} holds no role that may sign for ${signOff.topic}`)
  const reason = selfReason(person, context)
  return reason === null ? null : no('SIGNOFF_SELF', `${person.name} may not sign: ${reason}`)
}

/** Why a person is too close to the evidence to sign for it; null where they are not. */
export function selfReason(person: Person, { policy, read }: Omit<SignOffContext, 'atMs'>): string | null {
  const { released, producer } = read.manifest
  const owns = (emails: readonly string[]) =>
    emails.some((email) => person.emails.some((own) => own.toLowerCase() === email.toLowerCase()))
  if (owns(released.author_emails)) return 'wrote or committed what is released'
  if (owns(producer.emails)) return 'produced the evidence'
  const machine = policy.machines.find((one) => one.key_id === producer.key_id)
  return machine?.operators.includes(person.name) === true
    ? 'operates the machine that signed the evidence'
    : null
}

/** Sign-offs that a later one had seen and that are not there any more. */
export function vanishedSignOffs(files: readonly SignOffFile[]): readonly Finding[] {
  const present = new Set(files.map((file) => file.digest))
  return files.flatMap((file) =>
    file.signOff.seen
      .filter((digest) => !present.has(digest))
      .map((digest) =>
        finding(
          'SIGNOFF_MISSING',
          `${file.signOff.person} had seen sign-off ${digest.slice(0, 16)}, which is gone`,
        ),
      ),
  )
}

/**
 * Where every topic stands. An approval counts once per person and once per key; any standing objection vetoes. The
 * decision to release counts only where it had seen enough approvals of every gate: it is about them.
 */
export function topicStates(
  counted: readonly CountedSignOff[],
  context: SignOffContext,
): readonly TopicState[] {
  const gates = SIGNED_GATES.map((topic) => topicState(topic, onTopic(counted, topic), context))
  const hadSeenAll = ({ file }: CountedSignOff) =>
    file.signOff.decision !== 'approve' || gates.every((gate) => seenApprovals(gate, file) >= gate.threshold)
  const decisions = standingOf(onTopic(counted, 'release')).filter(hadSeenAll)
  return [...gates, topicState('release', decisions, context)]
}

function onTopic(counted: readonly CountedSignOff[], topic: SignOffTopic): readonly CountedSignOff[] {
  return counted.filter((one) => one.file.signOff.topic === topic)
}

function seenApprovals(gate: TopicState, { signOff }: SignOffFile): number {
  return gate.approvals.filter(({ file }) => signOff.seen.includes(file.digest)).length
}

function topicState(
  topic: SignOffTopic,
  counted: readonly CountedSignOff[],
  context: SignOffContext,
): TopicState {
  const standing = standingOf(counted)
  const vetoes = standing.filter(({ file }) => ['reject', 'hold'].includes(file.signOff.decision))
  const approvals = oncePerPersonAndKey(standing.filter(({ file }) => file.signOff.decision === 'approve'))
  const { threshold } = ruleOf(context.policy, topic)
  return {
    topic,
    threshold,
    approvals,
    vetoes,
    isApproved: vetoes.length === 0 && approvals.length >= threshold,
    couldSign: couldSign(topic, approvals, context),
  }
}

/** A person's newest word on a topic is the one that none of their later words had seen. */
function standingOf(counted: readonly CountedSignOff[]): readonly CountedSignOff[] {
  return counted.filter(
    ({ file, person }) =>
      !counted.some(
        (other) => other.person.name === person.name && other.file.signOff.seen.includes(file.digest),
      ),
  )
}

function oncePerPersonAndKey(approvals: readonly CountedSignOff[]): readonly CountedSignOff[] {
  const kept: CountedSignOff[] = []
  for (const one of approvals) {
    const isRepeat = kept.some(
      (other) =>
        other.person.name === one.person.name || other.file.signature.keyId === one.file.signature.keyId,
    )
    if (!isRepeat) kept.push(one)
  }
  return kept
}

function couldSign(
  topic: SignOffTopic,
  approvals: readonly CountedSignOff[],
  context: SignOffContext,
): readonly string[] {
  const { policy, atMs } = context
  const done = new Set(approvals.map((one) => one.person.name))
  const usable = new Set(
    keysOf(policy)
      .filter((one) => revocationOf(policy, one.keyId) === null && isValidAt(one, atMs))
      .map((one) => one.person.name),
  )
  return policy.people
    .filter((person) => holdsRoleFor(policy, person, topic) && selfReason(person, context) === null)
    .map((person) => person.name)
    .filter((name) => usable.has(name) && !done.has(name))
}

/** What each topic still lacks, as objections. */
export function missingApprovals(states: readonly TopicState[]): readonly Finding[] {
  return states.flatMap((state) => {
    const vetoes = state.vetoes.map(({ file, person }) =>
      finding(
        'SIGNOFF_VETO',
        `${person.name} says ${file.signOff.decision} on ${state.topic}: ${file.signOff.reason ?? 'no reason given'}`,
      ),
    )
    const lacking = state.threshold - state.approvals.length
    if (lacking <= 0) return vetoes
    const could =
      state.couldSign.length === 0 ? 'nobody could sign' : `${state.couldSign.join(', ')} could sign`
    return [
      ...vetoes,
      finding(
        'SIGNOFF_THRESHOLD',
        `${state.topic} has ${state.approvals.length} of ${state.threshold} sign-offs; ${could}`,
      ),
    ]
  })
}
