import type { Criterion } from './criterion.ts'
import { notJudgedSentence } from './sentences.ts'
import type { NotJudged } from './types.ts'

/** Which criteria the planned length cannot decide; from the length alone, never from what was seen. */
export function splitByLength(
  criteria: readonly Criterion[],
  plannedSeconds: number,
): { judged: readonly Criterion[]; notJudged: readonly NotJudged[] } {
  const isDecidable = (criterion: Criterion) => criterion.needsSeconds <= plannedSeconds
  return {
    judged: criteria.filter(isDecidable),
    notJudged: criteria
      .filter((criterion) => !isDecidable(criterion))
      .map((criterion) => notJudgedOf(criterion, plannedSeconds)),
  }
}

function notJudgedOf({ id, gate, title, needsSeconds }: Criterion, plannedSeconds: number): NotJudged {
  const entry = { id, gate, title, needs_seconds: needsSeconds, planned_seconds: plannedSeconds }
  return { ...entry, sentence: notJudgedSentence(entry) }
}
