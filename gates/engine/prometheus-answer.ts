import type { AnswerBody } from './prometheus-client.ts'
import type { AnswerFault, InstantAnswer, InstantSample, Labels, RangeAnswer, RangeSeries } from './types.ts'

type Parsed<Answer extends InstantAnswer | RangeAnswer> = Pick<Answer, 'data' | 'fault'>

export function parseInstant(answer: AnswerBody): Parsed<InstantAnswer> {
  return parse(answer, ({ resultType, result }) => {
    if (resultType === 'scalar') return [sampleOf({}, result)]
    if (resultType !== 'vector') throw new Error(`a ${String(resultType)} is no vector`)
    return listOf(result).map((entry) => sampleOf(labelsOf(entry['metric']), entry['value']))
  })
}

export function parseRange(answer: AnswerBody): Parsed<RangeAnswer> {
  return parse<RangeSeries>(answer, ({ resultType, result }) => {
    if (resultType !== 'matrix') throw new Error(`a ${String(resultType)} is no matrix`)
    return listOf(result).map((entry) => ({
      labels: labelsOf(entry['metric']),
      values: (entry['values'] as unknown[]).map(pairOf),
    }))
  })
}

/** One text per label set, whatever the order the labels came in. */
export function labelsText(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

type Data = { readonly resultType: unknown; readonly result: unknown }

function parse<Entry extends { readonly labels: Labels }>(
  answer: AnswerBody,
  read: (data: Data) => Entry[],
): { data: readonly Entry[]; fault: AnswerFault | null } {
  if ('fault' in answer) return { data: [], fault: answer.fault }
  try {
    const body = JSON.parse(answer.body) as Record<string, unknown>
    if (body['status'] !== 'success') return { data: [], fault: rejection(body) }
    const entries = read(body['data'] as Data)
    return { data: sortedByLabels(entries), fault: caution(body) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return {
      data: [],
      fault: { kind: 'malformed', message: `the answer is not one of Prometheus: ${message}` },
    }
  }
}

function rejection(body: Readonly<Record<string, unknown>>): AnswerFault {
  return { kind: 'rejected', message: `${String(body['errorType'])}: ${String(body['error'])}` }
}

/** A partial answer looks like a whole one but for its warnings; an info says that the expression is not meant so. */
function caution(body: Readonly<Record<string, unknown>>): AnswerFault | null {
  const said = [body['warnings'], body['infos']].flatMap((list) => (Array.isArray(list) ? list : []))
  return said.length === 0 ? null : { kind: 'warning', message: said.join('; ') }
}

function sampleOf(labels: Labels, value: unknown): InstantSample {
  const [time, text] = pairOf(value)
  return { labels, time, value: text }
}

function pairOf(pair: unknown): [number, string] {
  const [time, text] = pair as [unknown, unknown]
  if (typeof time !== 'number' || typeof text !== 'string') throw new Error('a sample is not [time, "value"]')
  return [time, text]
}

function listOf(result: unknown): Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(result)) throw new Error('the result is no list')
  return result as Readonly<Record<string, unknown>>[]
}

function labelsOf(metric: unknown): Labels {
  if (metric === null || typeof metric !== 'object') throw new Error('a series without labels')
  return Object.fromEntries(Object.entries(metric).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function sortedByLabels<Entry extends { readonly labels: Labels }>(entries: readonly Entry[]): Entry[] {
  const keyed = entries.map((entry) => ({ entry, key: labelsText(entry.labels) }))
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ entry }) => entry)
}
