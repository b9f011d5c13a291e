import type { GateResult, RunVerdict } from '../engine/types.ts'
import { timelineChart } from './charts.ts'
import { checkSteps } from './check-commands.ts'
import { badge } from './criterion-card.ts'
import { countText } from './figures.ts'
import { countsText, gateSection, gateTile, signatureList } from './gate-section.ts'
import { html, raw, type Html } from './html.ts'
import { PAGE_STYLE } from './page-style.ts'
import type { ReleaseSignatures, ReportFacts, ReportInput } from './report-input.ts'

const HEADLINES = {
  PASS: 'Everything that was judged was demonstrated',
  FAIL: 'At least one claim was seen to be broken',
  INCONCLUSIVE: 'At least one claim could not be demonstrated',
} as const

/** The page for people: verdict first, then each gate, then how to check it. The same bundle gives the same bytes. */
export function renderReport(input: ReportInput): string {
  const { facts, verdict, release } = input
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${verdict.verdict}: SONIA ${facts.run_id}</title><style>${raw(PAGE_STYLE)}</style></head><body><main>
<h1>SONIA release gates</h1>
${hero(verdict)}
${release === undefined ? null : decision(release)}
${banners(facts, verdict)}
<div class="tiles">${verdict.gates.map(gateTile)}</div>
${attention(verdict)}
${factsList(facts)}
${timeline(verdict)}
${verdict.gates.map((gate) => gateSection(gate, input))}
${judgedThing(facts)}
${howToCheck(input)}
<footer>Rendered from verdict.json, the stored answers and MANIFEST.json of this folder alone; <code>./sonia verify</code> renders it again and compares.</footer>
</main></body></html>
`
  return page.markup
}

function banners(facts: ReportFacts, verdict: RunVerdict): readonly Html[] {
  const lines: string[] = []
  if (facts.purpose === 'rehearsal')
    lines.push('Rehearsal: this proves the release machinery, and releases nothing.')
  if (facts.profile !== 'release')
    lines.push(`Profile ${facts.profile}: a shorter look than a release needs. This is not release evidence.`)
  if (facts.released.dirty)
    lines.push('The working tree held changes that the commit does not: nobody can rebuild what was judged.')
  if (verdict.not_judged.length > 0)
    lines.push(
      `${countText(verdict.not_judged.length, 'criterion', 'criteria')} not judged: the run was planned too short for ${verdict.not_judged.length === 1 ? 'it' : 'them'}.`,
    )
  return lines.map((line) => html`<p class="banner">${line}</p>`)
}

function hero(verdict: RunVerdict): Html {
  const all = { criteria: verdict.gates.flatMap((gate) => gate.criteria), not_judged: verdict.not_judged }
  return html`<div class="hero ${verdict.verdict}"><div class="word">${verdict.verdict}</div>
<p>${HEADLINES[verdict.verdict]}. ${countText(verdict.gates.length, 'gate')}: ${countsText(all)}.</p></div>`
}

/** Who opened the lock: the decision stands beside the verdict that it rests on. */
function decision(release: ReleaseSignatures): Html {
  return html`<h2>Release candidate ${release.number} of version ${release.version}</h2>
<p>Decided ${release.decidedAt}; tagged ${release.tags.join(' and ')}. Who signed for a gate stands with the gate.</p>
${signatureList(release, 'release')}`
}

/** What a person must look at, in words, before any figure. */
function attention(verdict: RunVerdict): Html | null {
  const open = verdict.gates.flatMap((gate) => gate.criteria.filter((one) => one.verdict !== 'PASS'))
  const empty = verdict.gates.filter((gate) => gate.criteria.length === 0)
  if (open.length + empty.length === 0) return null
  return html`<h2>What stands in the way</h2><ul class="attention">${open.map(
    (one) => html`<li>${badge(one.verdict)} <a href="#${one.id}">${one.sentence}</a></li>`,
  )}${empty.map((gate: GateResult) => html`<li>${badge(gate.verdict)} <a href="#gate-${gate.gate}">${gate.title}</a>: nothing was judged.</li>`)}</ul>`
}

function factsList(facts: ReportFacts): Html {
  const { released } = facts
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['run', facts.run_id],
    ['profile', facts.profile],
    [
      'version and commit',
      `${released.version}, ${released.commit}${released.dirty ? ' with uncommitted changes' : ''}`,
    ],
    ['written', facts.created_at],
    ['signed by the machine', facts.producer.key_id],
    ['run before it', facts.previous?.run_id ?? 'none here'],
  ]
  return definitions(rows)
}

function timeline(verdict: RunVerdict): Html | null {
  if (verdict.gates.length === 0) return null
  const spans = verdict.gates.map(({ gate, start, end }) => ({ name: gate, start, end }))
  return html`<h2>When each gate looked</h2><div class="wide">${timelineChart(spans)}</div>
<p class="quiet">In the charts below a bar is what was measured, a diamond the 95 % bound where there is one, the dashed line the limit. Passed criteria are folded.</p>`
}

function judgedThing(facts: ReportFacts): Html {
  const { released } = facts
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['commit', released.commit],
    ['tree', released.tree],
    ['package-lock.json', released.lock_file_sha256],
    ['software bill of materials', released.sbom_sha256 ?? 'none'],
    ['container image', released.image_digest ?? 'none: ran natively'],
    ['configuration', released.configuration_sha256],
    ['policies', released.policies_sha256],
    ['criteria', released.criteria_sha256],
    ...Object.entries(facts.versions).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]
  return html`<h2>What was judged</h2><p class="quiet">Digests are SHA-256.</p>${definitions(rows)}`
}

function howToCheck({ facts, verdict, release }: ReportInput): Html {
  const steps = checkSteps(
    facts,
    verdict.gates.map((gate) => gate.gate),
    release,
  )
  const people =
    release === undefined
      ? 'Where a release was asked for, release.html beside this page names who signed, and how to check that.'
      : 'What people signed comes last.'
  return html`<h2>How to check it yourself</h2><p>Inside this folder, unless it says otherwise, and from the second step on with programs that are not ours. ${people}</p>
${steps.map((step) => html`<h3>${step.title}</h3><p class="quiet">${step.why}</p><pre>${step.commands}</pre>`)}`
}

function definitions(rows: ReadonlyArray<readonly [string, string]>): Html {
  return html`<dl class="facts">${rows.map(([name, text]) => html`<dt>${name}</dt><dd class="mono">${text}</dd>`)}</dl>`
}
