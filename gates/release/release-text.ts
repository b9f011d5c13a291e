import { FINDING_EXITS } from '../evidence/findings.ts'
import type { TopicState } from './judge-sign-offs.ts'
import { SIGN_OFF_TOPICS } from './policy.ts'
import type { ReleaseState } from './release-state.ts'

/** Where a bundle stands, one line per gate and one for the decision. */
export function stateText(state: ReleaseState): string {
  const { read, verdict } = state
  const head =
    read === null
      ? ['run       unreadable']
      : [
          `run       ${read.manifest.run_id}, profile ${read.manifest.profile}, verdict ${verdict?.verdict ?? 'not readable'}`,
          `commit    ${read.manifest.released.commit}, version ${read.manifest.released.version}`,
          `manifest  sha256 ${read.sha256}`,
        ]
  const rows = SIGN_OFF_TOPICS.map((topic) => {
    const gate = verdict?.gates.find((one) => one.gate === topic)
    const word = topic === 'release' ? 'decision' : (gate?.verdict ?? 'not run')
    return `  ${topic.padEnd(14)} ${word.padEnd(13)} ${signersText(state.signOffs?.states.find((one) => one.topic === topic))}`
  })
  const end =
    state.findings.length === 0
      ? 'nothing stands in the way: ./sonia release tag'
      : `locked: ${state.findings.length} thing(s) stand in the way; ./sonia release explain names them`
  return `${[...head, ...rows, end].join('\n')}\n`
}

/** What is missing or wrong, each in a sentence, and who could sign. */
export function explanationText({ findings }: ReleaseState): string {
  if (findings.length === 0) return 'Nothing stands in the way of this release.\n'
  const lines = findings.map((one) => `${one.code.padEnd(26)} ${one.sentence}`)
  return `${lines.join('\n')}\n`
}

export function stateJson(state: ReleaseState): unknown {
  const { read, verdict, signOffs, findings } = state
  return {
    run_id: read?.manifest.run_id ?? null,
    manifest_sha256: read?.sha256 ?? null,
    verdict: verdict?.verdict ?? null,
    is_releasable: findings.length === 0,
    topics: (signOffs?.states ?? []).map((one) => ({
      topic: one.topic,
      threshold: one.threshold,
      is_approved: one.isApproved,
      approved_by: one.approvals.map(({ person }) => person.name),
      vetoes: one.vetoes.map(({ person, file }) => ({
        person: person.name,
        decision: file.signOff.decision,
        reason: file.signOff.reason,
      })),
      could_sign: one.couldSign,
    })),
    findings: findings.map((one) => ({ ...one, exit_code: FINDING_EXITS[one.code] })),
  }
}

function signersText(state: TopicState | undefined): string {
  if (state === undefined) return 'sign-offs not read'
  const by = state.approvals.map(({ person }) => person.name).join(', ')
  const vetoes = state.vetoes.map(({ person, file }) => `${file.signOff.decision} by ${person.name}`)
  const count = `${state.approvals.length} of ${state.threshold} signed${by === '' ? '' : ` (${by})`}`
  return [count, ...vetoes].join('; ')
}
