/** Letters, digits and private-use characters are words, all else separates: as FTS5's unicode61 has it. */
const WORD = /[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{Co}\p{Mn}\p{Mc}]*/gu
const LATIN_WITH_MARKS = /([a-z])\p{Mn}+/gu
const LOOSE_MARKS = /[\u0300-\u036f]+/gu
const ASCII_ONLY = /^\p{ASCII}*$/u

/** Words of a text in order, folded as the index folds them (case, Latin diacritics), not stemmed. */
export function splitWords(text: string): string[] {
  if (ASCII_ONLY.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return text.match(WORD)?.map(fold) ?? []
}

function fold(word: string): string {
  const folded = word.toLowerCase().normalize('NFD').replace(LATIN_WITH_MARKS, '$1').normalize('NFC')
  return folded.replace(LOOSE_MARKS, '')
}
