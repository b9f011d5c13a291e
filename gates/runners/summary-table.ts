import type { RunVerdict, Verdict } from '../engine/types.ts'
import { statedPart } from '../engine/valid-part.ts'
import type { Host } from '../host.ts'

const COLOURS: Readonly<Record<Verdict, number>> = { PASS: 32, FAIL: 31, INCONCLUSIVE: 33 }

/** The table at the end of a run: gates, their criteria that did not pass, what was not judged. */
export function summaryTable(verdict: RunVerdict, host: Host): string {
  const paint = painter(host)
  const lines = verdict.gates.flatMap((gate) => [
    `${paint(gate.verdict)}  ${gate.gate.padEnd(14)} ${gate.title}: ${tally(gate.criteria.map((one) => one.verdict))}`,
    ...gate.criteria
      .filter((criterion) => criterion.verdict !== 'PASS')
      .map((criterion) => `    ${paint(criterion.verdict)}  ${criterion.sentence}`),
    ...statedPart(gate).map((sentence) => `    ${sentence}`),
  ])
  const unjudged = verdict.not_judged.map(({ sentence }) => `    not judged    ${sentence}`)
  return [...lines, ...unjudged, '', `${paint(verdict.verdict)}  the run`, ''].join('\n')
}

function tally(verdicts: readonly Verdict[]): string {
  const passed = verdicts.filter((one) => one === 'PASS').length
  return `${passed} of ${verdicts.length} criteria passed`
}

function painter({ stdout, env }: Host): (verdict: Verdict) => string {
  const hasColour = stdout.isTerminal && env['NO_COLOR'] === undefined
  return (verdict) => {
    const text = verdict.padEnd(12)
    return hasColour ? `\u001b[${COLOURS[verdict]}m${text}\u001b[0m` : text
  }
}
