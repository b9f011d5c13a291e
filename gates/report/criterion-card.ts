import type { CriterionAnswers, CriterionResult, SeriesResult } from '../engine/types.ts'
import type { SensitivityCard } from '../sensitivity/sensitivity-cards.ts'
import { criterionChart } from './charts.ts'
import { countText, figure, momentText, significant } from './figures.ts'
import { html, raw, type Html } from './html.ts'

/** What stands behind a claim besides its figures. */
interface CardEvidence {
  readonly answers: CriterionAnswers | undefined
  readonly cards: readonly SensitivityCard[]
}

/** One claim: what was said, what was measured, how far it could have been seen, and what was asked. */
export function criterionCard(criterion: CriterionResult, { answers, cards }: CardEvidence): Html {
  const { verdict, sentence, why, id } = criterion
  return html`<details class="criterion ${verdict}" id="${id}"${verdict === 'PASS' ? null : raw(' open')}>
<summary><span class="said">${sentence}</span><span class="badge">${verdict}</span></summary>
<div class="body"><div>
<p class="quiet">Asked because: ${why} <span class="mono">(${id})</span></p>
${figuresList(criterion)}
</div>${criterionChart(criterion, answers)}</div>
${sensitivityList(cards)}
${seriesTable(criterion)}
${queriesTable(criterion)}
</details>
`
}

export function badge(verdict: string): Html {
  return html`<span class="badge ${verdict}">${verdict}</span>`
}

function figuresList(criterion: CriterionResult): Html {
  const { unit, value, bound, limit, resolution, samples } = criterion
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['measured', figure(value, unit)],
    ...(bound === null ? [] : [['bound (95 %)', figure(bound, unit)] as const]),
    ['limit', figure(limit, unit)],
    ...(value === null
      ? []
      : [['could have seen', resolution === null ? 'each one' : figure(resolution, unit)] as const]),
    ['samples', significant(samples)],
  ]
  return html`<dl class="figures">${rows.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`
}

/** A PASS is worth what it could have missed: the smallest defect in this run's own series that turns it. */
function sensitivityList(cards: readonly SensitivityCard[]): Html | null {
  if (cards.length === 0) return null
  return html`<div class="sensitivity"><p class="quiet">Added to this run's own recorded series:</p><ul>${cards.map((card) => html`<li>${card.sentence}</li>`)}</ul></div>`
}

function seriesTable(criterion: CriterionResult): Html | null {
  if (criterion.series.length < 2) return null
  const row = (one: SeriesResult) =>
    html`<tr><td>${one.series}</td><td>${badge(one.verdict)}</td><td>${figure(one.value, criterion.unit)}</td><td>${figure(one.bound, criterion.unit)}</td><td>${significant(one.samples)}</td><td>${one.reasons.join(' ')}</td></tr>`
  return html`<details class="more"><summary>${criterion.series.length} series, each judged on its own</summary>
<div class="wide"><table><tr><th>series</th><th>verdict</th><th>measured</th><th>bound</th><th>samples</th><th>reasons</th></tr>${criterion.series.map(row)}</table></div></details>`
}

function queriesTable(criterion: CriterionResult): Html {
  const rows = criterion.queries.map(
    (one) =>
      html`<tr><td>${one.role}</td><td><code>${one.query}</code></td><td>${one.start === null ? '' : `${momentText(one.start)} to `}${momentText(one.end)}${one.step === null ? '' : `, every ${one.step} s`}</td></tr>`,
  )
  return html`<details class="more"><summary>${countText(criterion.queries.length, 'query', 'queries')} to Prometheus, as asked</summary>
<div class="wide"><table><tr><th>for</th><th>PromQL</th><th>at</th></tr>${rows}</table></div></details>`
}
