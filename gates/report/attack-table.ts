import type { CaseOutcome, CorpusClass, Received, Variant } from '../security/corpus-case.ts'
import { html, type Html } from './html.ts'

const VARIANT_TITLES: Readonly<Record<Variant, string>> = {
  no_token: 'no token',
  forged_token: 'forged token',
  service_token: 'good token',
  with_approval: 'with an approval',
}
const VARIANTS = Object.keys(VARIANT_TITLES) as readonly Variant[]

/** Every attack and benign twin that was sent, by class: what came back in each variant, and what did not hold. */
export function attackTable(outcomes: readonly CaseOutcome[]): Html | null {
  if (outcomes.length === 0) return null
  const classes = [...new Set(outcomes.map((one) => one.class))].toSorted()
  return html`<h3>Attacks and benign twins, as sent the first time</h3>
${classes.map((name) =>
  classSection(
    name,
    outcomes.filter((one) => one.class === name),
  ),
)}`
}

function classSection(name: CorpusClass, outcomes: readonly CaseOutcome[]): Html {
  const ids = [...new Set(outcomes.map(({ id }) => id))]
  const held = outcomes.filter(({ passed }) => passed).length
  return html`<details${held === outcomes.length ? null : html` open`}><summary>Class ${name}: ${ids.length} cases, ${held} of ${outcomes.length} answers as expected</summary>
<div class="wide"><table><tr><th>case</th><th></th>${VARIANTS.map((variant) => html`<th>${VARIANT_TITLES[variant]}</th>`)}</tr>${ids.map(
    (id) => caseRow(outcomes.filter((one) => one.id === id)),
  )}</table></div></details>
`
}

function caseRow(outcomes: readonly CaseOutcome[]): Html | null {
  const [first] = outcomes
  if (first === undefined) return null
  const cells = VARIANTS.map((variant) => outcomeCell(outcomes.find((one) => one.variant === variant)))
  const kind = first.kind === 'benign' ? ' (benign)' : ''
  return html`<tr><td>${first.id}</td><td>${first.title}${kind}</td>${cells}</tr>`
}

function outcomeCell(outcome: CaseOutcome | undefined): Html {
  if (outcome === undefined) return html`<td></td>`
  const { passed, touched, received, expected } = outcome
  const touching = touched.length === 0 ? '' : `; touched ${touched.join(', ')}`
  const but = passed
    ? ''
    : `, not ${answerText({ ...expected, execution: expected.execution ?? null })}${touching}`
  return html`<td>${answerText(received)}${but}</td>`
}

function answerText({ status, code, reason, execution }: Received): string {
  return [String(status), reason ?? code ?? execution ?? ''].join(' ').trim()
}
