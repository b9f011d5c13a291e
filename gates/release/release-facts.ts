import type { GateResult, RunVerdict } from '../engine/types.ts'
import { SUMMARY_FILES } from '../evidence/bundle-layout.ts'
import type { ReadManifest } from '../evidence/check-files.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import type { Manifest } from '../evidence/manifest.ts'
import { revocationOf, SIGNED_GATES, type ReleasePolicy } from './policy.ts'

const HOUR_MS = 3_600_000

/** Only this profile looks long enough for a release. */
const RELEASE_PROFILE = 'release'

/** What stands against releasing this evidence, signatures of people aside. An absence is an objection. */
export function objectionsToEvidence(
  read: ReadManifest,
  verdict: RunVerdict,
  policy: ReleasePolicy,
  at: { readonly nowMs: number; readonly purpose: Manifest['purpose'] },
): readonly Finding[] {
  const { manifest } = read
  const no = (sentence: string) => finding('NOT_RELEASE_EVIDENCE', sentence)
  const findings: Finding[] = []
  if (manifest.purpose !== at.purpose)
    findings.push(no(`this bundle is a ${manifest.purpose}; asked for was a ${at.purpose}`))
  if (manifest.profile !== RELEASE_PROFILE)
    findings.push(no(`the profile was ${manifest.profile}; only ${RELEASE_PROFILE} looks long enough`))
  if (manifest.released.dirty)
    findings.push(no('the working tree held changes that the commit does not, so nobody can rebuild it'))
  const listed = new Set(manifest.files.map((file) => file.path))
  for (const path of Object.values(SUMMARY_FILES))
    if (!listed.has(path)) findings.push(no(`${path} is not in it`))
  findings.push(...objectionsToVerdict(verdict).map(no), ...objectionsToMachine(manifest, policy))
  const ageMs = at.nowMs - Date.parse(manifest.created_at)
  if (ageMs > policy.evidence_max_age_hours * HOUR_MS)
    findings.push(
      finding(
        'EVIDENCE_EXPIRED',
        `the evidence of ${manifest.created_at} is older than ${policy.evidence_max_age_hours} h`,
      ),
    )
  return findings
}

/** Every gate there, every gate passed, nothing left unjudged. */
function objectionsToVerdict(verdict: RunVerdict): readonly string[] {
  const gates = new Map<string, GateResult>(verdict.gates.map((gate) => [gate.gate, gate]))
  const absent = SIGNED_GATES.filter((name) => !gates.has(name)).map((name) => `${name} was not run`)
  const failed = verdict.gates
    .filter((gate) => gate.verdict !== 'PASS')
    .map((gate) => `${gate.gate} is ${gate.verdict}`)
  const empty = verdict.gates
    .filter((gate) => gate.criteria.length === 0)
    .map((gate) => `${gate.gate} judged nothing`)
  const open = [...verdict.gates.flatMap((gate) => gate.not_judged), ...verdict.not_judged]
  const unjudged = [...new Set(open.map((one) => one.id))].map((id) => `${id} was not judged`)
  const whole = verdict.verdict === 'PASS' ? [] : [`the verdict of the run is ${verdict.verdict}`]
  return [...whole, ...absent, ...failed, ...empty, ...unjudged]
}

function objectionsToMachine(manifest: Manifest, policy: ReleasePolicy): readonly Finding[] {
  const keyId = manifest.producer.key_id
  const revoked = revocationOf(policy, keyId)
  if (revoked !== null)
    return [finding('KEY_REVOKED', `the key of the machine, ${keyId}, was revoked: ${revoked}`)]
  if (policy.machines.some((one) => one.key_id === keyId)) return []
  return [finding('KEY_UNKNOWN', `the machine ${keyId} is not one whose evidence the policy accepts`)]
}
