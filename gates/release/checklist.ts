import type { CriterionResult, GateResult, RunVerdict } from '../engine/types.ts'
import { SUMMARY_FILES } from '../evidence/bundle-layout.ts'
import type { Manifest } from '../evidence/manifest.ts'
import type { TopicState } from './judge-sign-offs.ts'
import { SIGNED_GATES, type SignedGate, type SignOffTopic } from './policy.ts'

export interface ChecklistInput {
  readonly manifest: Manifest
  readonly manifestSha256: string
  readonly verdict: RunVerdict
  readonly states: readonly TopicState[]
}

const TITLES: Readonly<Record<SignedGate, string>> = {
  'go-no-go': 'Go/No-Go Gate Results',
  soak: 'Reliability Soak (48 hours)',
  determinism: 'Integration Tests (determinism)',
  security: 'Security Tests',
  durability: 'Data Durability Drill',
  observability: 'Observability',
}

/** The seed's checklist, filled in by signatures and figures instead of pens; the same bundle gives the same bytes. */
export function renderChecklist(input: ChecklistInput): string {
  const { manifest, manifestSha256, verdict } = input
  const gates = SIGNED_GATES.map((name) => gateLines(name, input))
  const open = input.states.filter((state) => !state.isApproved)
  return [
    '# Release checklist',
    '',
    `Run \`${manifest.run_id}\`, version ${manifest.released.version}, commit \`${manifest.released.commit}\`, profile ${manifest.profile}.`,
    `Manifest SHA-256 \`${manifestSha256}\`.`,
    ...(manifest.purpose === 'rehearsal' ? ['', '**Rehearsal: this releases nothing.**'] : []),
    '',
    'This page is rendered from signatures; editing it changes nothing but its digest. `./sonia verify` renders it again.',
    '',
    '## Mandatory sign-offs',
    '',
    ...gates.flat(),
    '## Release decision',
    '',
    `- Verdict of the run: ${verdict.verdict}`,
    `- Release approved: ${yesNo(open.length === 0)}`,
    ...signerLines(stateOf('release', input), 'Approved by', 'Release Manager'),
    ...(open.length === 0 ? [] : ['- Blockers:', ...open.map((state) => `  - ${blockerText(state)}`)]),
    '',
  ].join('\n')
}

/** The page before any run: what will be asked. */
export function blankChecklist(): string {
  const lines = SIGNED_GATES.flatMap((name) => [
    `- [ ] ${TITLES[name]}`,
    ...(SUMMARY_FILES[name] === undefined ? [] : [`    - Report: \`${SUMMARY_FILES[name]}\``]),
    '    - Verdict: not run',
    '    - Verified by: _________ Date: _________',
    '',
  ])
  return [
    '# Release checklist',
    '',
    'Nobody fills this in by hand: `./sonia release status` shows where a run stands, `./sonia release sign` signs, and',
    '`./sonia release tag` renders the finished page into `artifacts/release-candidate-N/`. The rules are in `docs/release.md`.',
    '',
    '## Mandatory sign-offs',
    '',
    ...lines,
    '## Release decision',
    '',
    '- Release approved: [ ] YES [x] NO',
    '- Approved by: _________ (Release Manager) Date: _________',
    '- Blockers:',
    '  - nothing was run',
    '',
  ].join('\n')
}

function gateLines(name: SignedGate, input: ChecklistInput): readonly string[] {
  const gate = input.verdict.gates.find((one) => one.gate === name)
  const state = stateOf(name, input)
  const isDone = gate?.verdict === 'PASS' && state?.isApproved === true
  return [
    `- [${isDone ? 'x' : ' '}] ${TITLES[name]}`,
    ...(SUMMARY_FILES[name] === undefined ? [] : [`    - Report: \`${SUMMARY_FILES[name]}\``]),
    `    - Verdict: ${gate === undefined ? 'not run' : gate.verdict}`,
    ...(gate === undefined ? [] : criterionLines(gate)),
    ...signerLines(state, 'Verified by', null).map((line) => `    ${line}`),
    '',
  ]
}

function criterionLines(gate: GateResult): readonly string[] {
  const line = (one: CriterionResult) => `    - ${one.sentence} ${yesNo(one.verdict === 'PASS')}`
  return [
    ...gate.criteria.map(line),
    ...gate.not_judged.map((one) => `    - ${one.title}: not judged [ ] YES [ ] NO`),
  ]
}

function signerLines(state: TopicState | undefined, verb: string, title: string | null): readonly string[] {
  const vetoes = (state?.vetoes ?? []).map(
    ({ file, person }) =>
      `- ${file.signOff.decision} by ${person.name}, ${file.signOff.at}: ${file.signOff.reason ?? 'no reason given'}`,
  )
  const suffix = title === null ? '' : ` (${title})`
  const approvals = (state?.approvals ?? []).map(
    ({ file, person }) =>
      `- ${verb}: ${person.name}${suffix} Date: ${file.signOff.at} Key: \`${file.signature.keyId}\``,
  )
  const lines = [...approvals, ...vetoes]
  return lines.length > 0 ? lines : [`- ${verb}: _________${suffix} Date: _________`]
}

function blockerText(state: TopicState): string {
  if (state.vetoes.length > 0) return `${state.topic}: vetoed`
  return `${state.topic}: ${state.approvals.length} of ${state.threshold} sign-offs`
}

function stateOf(topic: SignOffTopic, input: ChecklistInput): TopicState | undefined {
  return input.states.find((state) => state.topic === topic)
}

function yesNo(isYes: boolean): string {
  return isYes ? '[x] YES [ ] NO' : '[ ] YES [x] NO'
}
