/**
 * The only place where words become an FTS5 expression. Every word is a quoted string, in which FTS5 knows
 * no syntax but the doubled quote; so no text of a query can act as an operator, column filter or prefix.
 */
export function quoteWord(word: string): string {
  return `"${word.replaceAll('"', '""').replaceAll('\0', ' ')}"`
}

export function matchAll(words: readonly string[]): string {
  return words.map(quoteWord).join(' AND ')
}

export function matchAny(words: readonly string[]): string {
  return words.map(quoteWord).join(' OR ')
}
