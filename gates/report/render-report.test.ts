import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CriterionAnswers, CriterionResult, GateResult, RunVerdict, Verdict } from '../engine/types.ts'
import { hostForTest } from '../host-for-test.ts'
import { summaryTable } from '../runners/summary-table.ts'
import type { CaseOutcome } from '../security/corpus-case.ts'
import type { SensitivityCard } from '../sensitivity/sensitivity-cards.ts'
import { renderReport } from './render-report.ts'
import type { ReportFacts } from './report-input.ts'

const DIGEST = 'd'.repeat(64)
const FACTS: ReportFacts = {
  format: 'sonia-manifest/1',
  run_id: 'run-1',
  profile: 'smoke',
  purpose: 'run',
  created_at: '2026-11-24T18:00:00.000Z',
  producer: { key_id: `SHA256:${'A'.repeat(43)}`, emails: [] },
  released: {
    version: '1.0.0',
    commit: 'a'.repeat(40),
    tree: 'b'.repeat(40),
    dirty: false,
    author_emails: ['a@example.org'],
    lock_file_sha256: DIGEST,
    sbom_sha256: null,
    image_digest: null,
    configuration_sha256: DIGEST,
    policies_sha256: DIGEST,
    criteria_sha256: DIGEST,
  },
  versions: { prometheus: '3.16.0' },
  previous: null,
}

const criterion = (verdict: Verdict, changes: Partial<CriterionResult> = {}): CriterionResult => ({
  id: `soak.${verdict.toLowerCase()}`,
  gate: 'soak',
  title: 'Growth of memory',
  why: 'seed gate 2',
  judge: 'growth-bound',
  verdict,
  reasons: [],
  value: 0.1,
  bound: 0.2,
  limit: 0.5,
  unit: 'ratio',
  resolution: 0.01,
  samples: 12,
  series: [],
  queries: [{ role: 'series', query: 'up{job="sonia"}', kind: 'range', start: 0, end: 60, step: 15 }],
  sentence: `This one is ${verdict}.`,
  ...changes,
})

const run = (...criteria: CriterionResult[]): RunVerdict => {
  const verdict = criteria.find((one) => one.verdict !== 'PASS')?.verdict ?? 'PASS'
  const gate: GateResult = {
    gate: 'soak',
    title: 'Soak',
    verdict,
    start: 0,
    end: 60,
    planned_seconds: 60,
    criteria,
    not_judged: [],
  }
  return { schema: 'sonia-verdict/1', verdict, parameters: { S: 1 }, gates: [gate], not_judged: [] }
}

const ANSWERS: readonly CriterionAnswers[] = [
  {
    id: 'soak.pass',
    gate: 'soak',
    answers: [
      {
        role: 'series',
        answer: {
          kind: 'range',
          query: 'x',
          fault: null,
          start: 0,
          end: 60,
          step: 15,
          data: [
            {
              labels: { service: 'pipecat' },
              values: [
                [0, '1'],
                [15, '2'],
                [30, 'NaN'],
                [45, '4'],
              ],
            },
          ],
        },
      },
    ],
  },
]

const CARDS: readonly SensitivityCard[] = [
  {
    criterion: 'soak.pass',
    series: 'pipecat',
    defect: 'leak',
    smallest: 0.4,
    becomes: 'INCONCLUSIVE',
    unit: 'bytes/h',
    sentence: 'Memory of pipecat: a leak of 0.40 MiB/h would have made it INCONCLUSIVE.',
  },
]

const REFUSED = { status: 403, code: 'FORBIDDEN', reason: 'OUTSIDE_SANDBOX' } as const
const ATTACK: CaseOutcome = {
  id: 'E-001',
  class: 'E',
  title: 'traversal <b>',
  owasp: 'A01:2021 Broken Access Control',
  kind: 'attack',
  variant: 'service_token',
  sent: { kind: 'tool', tool_name: 'file.read', args: { path: '../x' } },
  expected: REFUSED,
  received: { ...REFUSED, execution: null },
  touched: [],
  passed: true,
}
const LEAKED: CaseOutcome = {
  ...ATTACK,
  id: 'E-002',
  received: { status: 200, code: null, reason: null, execution: 'executed' },
  touched: ['secret'],
  passed: false,
}

const render = (verdict: RunVerdict, facts: Partial<ReportFacts> = {}) =>
  renderReport({
    facts: { ...FACTS, ...facts },
    verdict,
    answers: ANSWERS,
    courses: [],
    cards: CARDS,
    attacks: [ATTACK, LEAKED],
  })

test('text from labels, queries and sentences cannot become markup', () => {
  const evil = '<script>alert(1)</script>"\'&'
  const page = render(
    run(criterion('FAIL', { title: evil, sentence: evil, why: evil, series: [series(evil), series('b')] })),
    { versions: { [evil]: evil } },
  )
  assert.doesNotMatch(page, /<script/u)
})

test('nothing is fetched from anywhere: no link out, no script, no image, and a policy that forbids them', () => {
  const page = render(run(criterion('PASS'), criterion('FAIL')))
  assert.doesNotMatch(page, /(?:src|href)=["'](?!#)/u)
  assert.doesNotMatch(page, /url\((?!#)|@import|<script|<img|<link/u)
  assert.match(page, /default-src 'none'/u)
})

test('the verdict comes first, then what stands in the way, then the gates', () => {
  const page = render(run(criterion('PASS'), criterion('FAIL'), criterion('INCONCLUSIVE')))
  const at = (text: string) => {
    assert.ok(page.includes(text), text)
    return page.indexOf(text)
  }
  assert.ok(at('class="word">FAIL') < at('What stands in the way'))
  assert.ok(at('What stands in the way') < at('id="gate-soak"'))
  assert.ok(at('id="soak.fail"') < at('id="soak.inconclusive"'))
  assert.ok(at('id="soak.inconclusive"') < at('id="soak.pass"'))
})

test('a gate without criteria says that nothing is demonstrated', () => {
  const empty = run()
  const page = render({ ...empty, verdict: 'INCONCLUSIVE' })
  assert.match(page, /nothing is demonstrated/u)
})

test('where a gate could not be judged, the page and the terminal state which part of the window is valid', () => {
  const sentence = 'Valid part of the window: 1970-01-01T00:00:00Z to 1970-01-01T00:00:45Z, 75 % of it.'
  const stated = (verdict: Verdict) => {
    const whole = run(criterion(verdict))
    const gates = whole.gates.map((gate) => ({
      ...gate,
      valid_part: { start: 0, end: 45, share: 0.75, sentence },
    }))
    return { ...whole, gates }
  }
  const host = hostForTest([])
  for (const show of [render, (verdict: RunVerdict) => summaryTable(verdict, host)]) {
    assert.ok(show(stated('INCONCLUSIVE')).includes(sentence))
    assert.ok(!show(stated('PASS')).includes(sentence))
  }
})

test('says what this is not: a rehearsal, a short profile, a dirty tree', () => {
  const verdict = run(criterion('PASS'))
  assert.match(render(verdict, { purpose: 'rehearsal' }), /releases nothing/u)
  assert.match(render(verdict), /not release evidence/u)
  assert.match(render(verdict, { released: { ...FACTS.released, dirty: true } }), /nobody can rebuild/u)
  assert.doesNotMatch(render(verdict, { profile: 'release' }), /not release evidence/u)
})

test('a PASS says what it would have taken to turn it, and nothing else does', () => {
  const page = render(run(criterion('PASS'), criterion('FAIL')))
  assert.equal(page.split('would have made it INCONCLUSIVE').length, 2)
  assert.ok(page.indexOf('would have made it') > page.indexOf('id="soak.pass"'))
})

test('the same data give the same bytes, whatever was drawn before', () => {
  const one = run(criterion('PASS'), criterion('FAIL', { series: [series('a'), series('b')] }))
  const first = render(one)
  render(run(criterion('INCONCLUSIVE')))
  assert.equal(render(one), first)
})

test('a range answer is drawn as its course, values as bars against the limit', () => {
  const page = render(run(criterion('PASS')))
  assert.match(page, /aria-label="course of Growth of memory"/u)
  assert.match(render(run(criterion('FAIL'))), /aria-label="Growth of memory against its limit"/u)
  assert.doesNotMatch(page, /NaN,|NaN /u)
})

function series(name: string) {
  return {
    series: name,
    verdict: 'FAIL' as const,
    reasons: [],
    value: 1,
    bound: 2,
    resolution: null,
    samples: 3,
  }
}

test('the security gate shows each case with its answers, and what did not hold stands open', () => {
  const verdict = run(criterion('PASS'))
  const security = {
    ...verdict,
    gates: verdict.gates.map((gate) => ({ ...gate, gate: 'security' as const })),
  }
  const page = render(security)
  assert.match(page, /<details open><summary>Class E: 2 cases, 1 of 2 answers as expected/u)
  assert.match(page, /<td>E-001<\/td><td>traversal &lt;b&gt;<\/td>/u)
  assert.match(page, /200 executed, not 403 OUTSIDE_SANDBOX; touched secret/u)
  assert.doesNotMatch(render(verdict), /Class E:/u)
})
