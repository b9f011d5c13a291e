import type { GateResult, NotJudged, Verdict } from '../engine/types.ts'
import { statedPart } from '../engine/valid-part.ts'
import { attackTable } from './attack-table.ts'
import { courseChart } from './charts.ts'
import type { Course } from './courses.ts'
import { badge, criterionCard } from './criterion-card.ts'
import { countText, durationText, momentText } from './figures.ts'
import { html, type Html } from './html.ts'
import type { ReleaseSignatures, ReportInput } from './report-input.ts'

const ORDER: Readonly<Record<Verdict, number>> = { FAIL: 0, INCONCLUSIVE: 1, PASS: 2 }

/** A gate as a tile: word, counts, link. */
export function gateTile(gate: GateResult): Html {
  return html`<a class="tile ${gate.verdict}" href="#gate-${gate.gate}"><strong>${gate.title}</strong>${badge(gate.verdict)}
<span class="counts">${countsText(gate)}</span></a>`
}

/** A gate in full; what needs a decision comes first. */
export function gateSection(
  gate: GateResult,
  { answers, courses, cards, attacks, release }: ReportInput,
): Html {
  const criteria = gate.criteria.toSorted((a, b) => ORDER[a.verdict] - ORDER[b.verdict])
  const answersOf = (id: string) => answers.find((one) => one.gate === gate.gate && one.id === id)
  return html`<section id="gate-${gate.gate}"><h2>${gate.title} ${badge(gate.verdict)}</h2>
<p class="quiet">Looked from ${momentText(gate.start)} to ${momentText(gate.end)} (${durationText(gate.end - gate.start)} of ${durationText(gate.planned_seconds)} planned). ${countsText(gate)}.${statedPart(gate).map((sentence) => html` <strong>${sentence}</strong>`)}</p>
${release === undefined ? null : signatureList(release, gate.gate)}
${courseGrid(courses.filter((one) => one.gate === gate.gate))}
${criteria.length === 0 ? html`<p>Nothing was judged, so nothing is demonstrated.</p>` : null}
${criteria.map((criterion) =>
  criterionCard(criterion, {
    answers: answersOf(criterion.id),
    cards: cards.filter((one) => one.criterion === criterion.id),
  }),
)}
${gate.gate === 'security' ? attackTable(attacks) : null}
${notJudgedList(gate.not_judged)}
</section>
`
}

export function countsText(gate: Pick<GateResult, 'criteria' | 'not_judged'>): string {
  const of = (verdict: Verdict) => gate.criteria.filter((one) => one.verdict === verdict).length
  const parts = [
    `${of('PASS')} of ${countText(gate.criteria.length, 'criterion', 'criteria')} passed`,
    ...(of('FAIL') > 0 ? [`${of('FAIL')} failed`] : []),
    ...(of('INCONCLUSIVE') > 0 ? [`${of('INCONCLUSIVE')} inconclusive`] : []),
    ...(gate.not_judged.length > 0 ? [`${gate.not_judged.length} not judged at this length`] : []),
  ]
  return parts.join(', ')
}

/** How it went, as recorded: the figures below are taken from the same series. */
function courseGrid(courses: readonly Course[]): Html | null {
  if (courses.length === 0) return null
  return html`<div class="courses">${courses.map(
    (course) => html`<div><p class="quiet">${course.title}</p>${courseChart(course)}</div>`,
  )}</div>`
}

/** Who vouched for a gate, or decided, and with which key. */
export function signatureList({ signatures }: ReleaseSignatures, topic: string): Html {
  const lines = signatures.filter((one) => one.topic === topic)
  return html`<ul class="signatures">${lines.map(
    (one) =>
      html`<li>${one.decision === 'approve' ? 'Signed' : one.decision} by <strong>${one.person}</strong>, ${one.at}, <code>${one.keyId}</code>${one.reason === null ? null : html`: ${one.reason}`}</li>`,
  )}</ul>`
}

function notJudgedList(notJudged: readonly NotJudged[]): Html | null {
  if (notJudged.length === 0) return null
  return html`<article class="criterion NOT_JUDGED"><header><h3>Not judged, and said so before the run</h3>${badge('NOT_JUDGED')}</header>
<div class="wide"><table><tr><th>criterion</th><th>needs</th><th>this run</th><th></th></tr>${notJudged.map(
    (one) =>
      html`<tr><td>${one.title}</td><td>${durationText(one.needs_seconds)}</td><td>${durationText(one.planned_seconds)}</td><td>${one.sentence}</td></tr>`,
  )}</table></div></article>`
}
