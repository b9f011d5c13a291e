import { join } from 'node:path'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import { addSealedFile } from '../evidence/staged-folder.ts'
import { objectionTo } from './judge-sign-offs.ts'
import type { SignOffTopic } from './policy.ts'
import { ReleaseRefused } from './release-refused.ts'
import { releaseState, type ReleaseOptions, type ReleaseState } from './release-state.ts'
import { makeSignOff, readSignOff, type Decision } from './sign-off.ts'
import { seenSignOffs } from './sign-off-files.ts'

export interface SignOptions extends ReleaseOptions {
  readonly topic: SignOffTopic
  readonly decision: Decision
  readonly person: string
  readonly keyFile: string
  readonly reason: string | null
}

/**
 * Adds a person's signed word to a bundle; returns the file's name. The evidence is checked first, and what would not
 * count is refused rather than written: a signature that looks valid and is not helps nobody.
 */
export async function signBundle(options: SignOptions): Promise<string> {
  const { bundle, topic, decision, person, reason, keyFile, nowMs } = options
  if (decision !== 'approve' && decision !== 'withdraw' && reason === null)
    throw new ReleaseRefused([finding('SIGNOFF_MALFORMED', `to ${decision} something takes a reason`)])
  const state = await releaseState(options)
  const { read, policy } = state
  if (read === null || policy === null) throw new ReleaseRefused(state.findings)
  refuseUnlessSound(state.findings, decision)
  if (topic === 'release' && decision === 'approve') refuseEarlyDecision(state)
  const signOff = {
    topic,
    decision,
    person,
    run_id: read.manifest.run_id,
    at: new Date(nowMs).toISOString(),
    reason,
    seen: await seenSignOffs(bundle),
  }
  const subject = { manifestSha256: read.sha256, commit: read.manifest.released.commit }
  const made = await makeSignOff(subject, signOff, keyFile)
  const objection = objectionTo(readSignOff(made.name, made.content), {
    policy: policy.policy,
    read,
    atMs: nowMs,
  })
  if (objection !== null) throw new ReleaseRefused([objection])
  await addSealedFile(join(bundle, LAYOUT.attestations, made.name), made.content)
  return made.name
}

/** An approval needs evidence that nothing but missing sign-offs stands against; an objection needs only sound files. */
function refuseUnlessSound(findings: readonly Finding[], decision: Decision): void {
  const pending = new Set(['SIGNOFF_THRESHOLD', 'SIGNOFF_VETO'])
  const aboutEvidence = new Set(['NOT_RELEASE_EVIDENCE', 'EVIDENCE_EXPIRED'])
  const against = findings.filter(
    ({ code }) => !pending.has(code) && (decision === 'approve' || !aboutEvidence.has(code)),
  )
  if (against.length > 0) throw new ReleaseRefused(against)
}

/** The decision is about the gates' sign-offs, so it comes after them. */
function refuseEarlyDecision({ signOffs }: ReleaseState): void {
  const open = (signOffs?.states ?? []).filter((one) => one.topic !== 'release' && !one.isApproved)
  if (signOffs === null || open.length > 0) {
    const names = open.map((one) => one.topic).join(', ')
    throw new ReleaseRefused([
      finding(
        'SIGNOFF_THRESHOLD',
        `the decision to release comes last: ${names} not yet signed for, or held`,
      ),
    ])
  }
}
