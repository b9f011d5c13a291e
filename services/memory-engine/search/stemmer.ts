import { stem } from './porter.ts'
import { splitWords } from './words.ts'

/** Stems of the words of a text, in order. */
export type StemText = (text: string) => string[]

const KNOWN_MAX = 20_000

/** Remembers the stems of words it has met: texts repeat their words. Forgets all of them when it is full. */
export function createStemmer(): StemText {
  const known = new Map<string, string>()
  return (text) =>
    splitWords(text).map((word) => {
      const before = known.get(word)
      if (before !== undefined) return before
      if (known.size >= KNOWN_MAX) known.clear()
      const stemmed = stem(word)
      known.set(word, stemmed)
      return stemmed
    })
}
