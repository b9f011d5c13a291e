import { resolveExpression } from './parameters.ts'
import type { AskedQuery, GateResult, GateWindow, Parameters, StoredAnswer, ValidPart } from './types.ts'

/** Role and id under which the answer is stored. */
export const VALID_ROLE = 'valid'

export function validPartId(gate: string): string {
  return `${gate}.valid-part`
}

/** Below what Prometheus gives in one answer (11,000 points). */
const POINTS_MAX = 6000

/** Asks at every scrape of the window, of a long one at every second or third, whether the record is sound. */
export function validQuery(promql: string, parameters: Parameters): AskedQuery {
  const { START: start, END: end, S: scrape } = parameters
  if (typeof start !== 'number' || typeof end !== 'number' || typeof scrape !== 'number')
    throw new Error('a window without its ends')
  const step = scrape * Math.max(1, Math.ceil((end - start) / scrape / POINTS_MAX))
  const points = Math.max(1, Math.floor((end - start) / step))
  const query = resolveExpression(promql, parameters)
  return { role: VALID_ROLE, query, kind: 'range', start: end - (points - 1) * step, end, step }
}

/**
 * The longest unbroken part of the window whose every moment is sound. A break shows only once `lagSeconds` have passed,
 * so a part that ends in one is cut by as much. Nothing known to be sound is a part of length 0.
 */
export function validPart(
  answer: StoredAnswer | undefined,
  { start, end }: Pick<GateWindow, 'start' | 'end'>,
  lagSeconds: number,
): ValidPart {
  const none = { start, end: start }
  const [longest = none] = stretchesOf(answer, lagSeconds).toSorted(
    (a, b) => lengthOf(b) - lengthOf(a) || a.start - b.start,
  )
  const share = lengthOf(longest) / (end - start)
  return { ...longest, share, sentence: sentenceOf(longest, share) }
}

/** What a person is told beside a gate that could not be judged; empty for any other. */
export function statedPart({
  verdict,
  valid_part,
}: Pick<GateResult, 'verdict' | 'valid_part'>): readonly string[] {
  return verdict === 'INCONCLUSIVE' && valid_part !== undefined ? [valid_part.sentence] : []
}

interface Stretch {
  readonly start: number
  readonly end: number
}

function lengthOf({ start, end }: Stretch): number {
  return end - start
}

/** Each point speaks of the step that ends with it. */
function stretchesOf(answer: StoredAnswer | undefined, lagSeconds: number): readonly Stretch[] {
  const sound = soundTimes(answer)
  if (answer?.kind !== 'range' || sound === null) return []
  const { end, step } = answer
  const isFirst = (time: number) => !sound.has(time - step)
  const lastFrom = (time: number) => {
    let last = time
    while (sound.has(last + step)) last += step
    return last
  }
  return [...sound]
    .filter(isFirst)
    .map((time) => ({ start: time - step, last: lastFrom(time) }))
    .map(({ start, last }) => ({ start, end: last === end ? end : last - lagSeconds }))
    .filter((stretch) => lengthOf(stretch) > 0)
}

/** Moments at which the one series without labels is 1; null where there is no such series. */
function soundTimes(answer: StoredAnswer | undefined): ReadonlySet<number> | null {
  if (answer?.kind !== 'range' || answer.fault !== null) return null
  const [only, ...others] = answer.data
  if (only === undefined || others.length > 0 || Object.keys(only.labels).length > 0) return null
  return new Set(only.values.filter(([, text]) => Number(text) === 1).map(([time]) => time))
}

function sentenceOf(part: Stretch, share: number): string {
  if (share === 0) return 'No part of the window is valid.'
  const percent = Number((share * 100).toFixed(1))
  return `Valid part of the window: ${momentOf(part.start)} to ${momentOf(part.end)}, ${percent} % of it.`
}

function momentOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
