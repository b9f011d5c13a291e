import { stem } from './porter.ts'
import { isStopWord } from './stop-words.ts'
import { splitWords } from './words.ts'

export interface QueryTerm {
  readonly word: string
  readonly stem: string
}

/** A text of ten thousand words is a legal query; its first words decide. */
const QUERY_CHARS_READ_MAX = 16_384
const TERMS_MAX = 128

/** Different words of a query without stop words (but those it uses as names); all when nothing else is left. */
export function queryTerms(query: string, names: ReadonlySet<string> = new Set()): QueryTerm[] {
  const terms = new Map<string, QueryTerm>()
  for (const word of splitWords(query.slice(0, QUERY_CHARS_READ_MAX))) {
    const stemmed = stem(word)
    if (!terms.has(stemmed)) terms.set(stemmed, { word, stem: stemmed })
  }
  const all = [...terms.values()]
  const telling = all.filter(({ word }) => !isStopWord(word) || names.has(word))
  return (telling.length > 0 ? telling : all).slice(0, TERMS_MAX)
}
