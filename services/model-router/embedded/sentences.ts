import type { Passage } from '../wire.ts'

/** A sentence of a passage and how well it matches the question. */
export interface ScoredSentence {
  readonly passageId: string
  readonly sentence: string
  readonly score: number
}

const STOP_WORDS = new Set(
  `a about am an and any are as at be been but by can could did do does for from had has have he her his how i if in
   is it its me my no not of on or our she so some tell than that the their them then there they this to us was we
   were what when where which who why will with would you your`.split(/\s+/),
)
const PASSAGES_MAX = 50
const SENTENCES_MAX = 1000
const SENTENCE_CHARACTERS_MAX = 600

/** The best sentences of the passages for a question, best first; none that shares no term with it. */
export function bestSentences(
  question: string,
  passages: readonly Passage[],
  limit: number,
): ScoredSentence[] {
  const wanted = new Set(termsOf(question))
  const sentences = passages.slice(0, PASSAGES_MAX).flatMap(sentencesOf).slice(0, SENTENCES_MAX)
  const rarity = rarityOf(wanted, sentences)
  return sentences
    .map(({ passageId, sentence, terms }) => ({
      passageId,
      sentence,
      score: round(
        sum([...new Set(terms)].map((term) => rarity.get(term) ?? 0)) / Math.sqrt(terms.length + 1),
      ),
    }))
    .filter(({ score }) => score > 0)
    .filter(
      (candidate, index, all) => all.findIndex(({ sentence }) => sentence === candidate.sentence) === index,
    )
    .toSorted((a, b) => b.score - a.score)
    .slice(0, limit)
}

interface TermedSentence {
  readonly passageId: string
  readonly sentence: string
  readonly terms: readonly string[]
}

function sentencesOf({ id, content }: Passage): TermedSentence[] {
  return content
    .split(/(?<=[.!?])\s+|\n+/)
    .map((text) => text.trim().slice(0, SENTENCE_CHARACTERS_MAX))
    .filter((text) => text !== '')
    .map((sentence) => ({ passageId: id, sentence, terms: termsOf(sentence) }))
}

/** Inverse document frequency of the wanted terms over the sentences. */
function rarityOf(wanted: ReadonlySet<string>, sentences: readonly TermedSentence[]): Map<string, number> {
  const found = new Map<string, number>()
  for (const { terms } of sentences) {
    for (const term of new Set(terms)) {
      if (wanted.has(term)) found.set(term, (found.get(term) ?? 0) + 1)
    }
  }
  return new Map([...found].map(([term, count]) => [term, Math.log(1 + sentences.length / count)]))
}

function termsOf(text: string): string[] {
  const words =
    text
      .toLowerCase()
      .normalize('NFKC')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  return words.filter((word) => !STOP_WORDS.has(word)).map(stem)
}

/** Plural and tense endings only: enough to match "likes" with "like", too little to merge unlike words. */
function stem(word: string): string {
  if (word.length < 4) return word
  return word
    .replace(/(ies)$/, 'y')
    .replace(/(?<=[^s])s$/, '')
    .replace(/(?<=.{3})(ed|ing)$/, '')
    .replace(/(?<=.{3})e$/, '')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
