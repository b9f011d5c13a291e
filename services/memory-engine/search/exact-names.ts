import { stem } from './porter.ts'
import { isStopWord } from './stop-words.ts'
import { splitWords } from './words.ts'

/** A part of the query that means itself: a name, a number, a code, a quotation. */
export interface ExactName {
  readonly text: string
  readonly stems: readonly string[]
}

const NAMES_MAX = 12
const QUOTED = /["“”']([^"“”']{2,80})["“”'](?!\p{L})/gu
/** Hyphenated or dotted codes, numbers, e-mail addresses, words with a digit or an inner capital. */
const CODE = /[\p{L}\p{N}][\p{L}\p{N}._:/@+-]*[\p{L}\p{N}]/gu
const CAPITALISED = /(?<![.!?]\s)(?<!^)\b\p{Lu}[\p{L}\p{N}'’-]*(?:\s+\p{Lu}[\p{L}\p{N}'’-]*)*/gu

export function exactNames(query: string): ExactName[] {
  const texts = new Set<string>()
  for (const match of query.matchAll(QUOTED)) texts.add((match[1] ?? '').trim())
  for (const [text] of query.matchAll(CODE)) if (isCode(text)) texts.add(text)
  for (const [text] of query.matchAll(CAPITALISED))
    if (text.length > 1) texts.add(text.replace(/['’]s$/u, ''))
  return [...texts]
    .map((text) => ({ text, stems: splitWords(text).map(stem) }))
    .filter(({ stems }) => stems.length > 0)
    .slice(0, NAMES_MAX)
}

function isCode(text: string): boolean {
  return /\p{N}/u.test(text) || /[@/]/.test(text) || /\p{Ll}\p{Lu}/u.test(text)
}

/** Whether the text holds the name in exactly this form, as whole words. */
export function holdsName(content: string, name: ExactName): boolean {
  for (let at = content.indexOf(name.text); at >= 0; at = content.indexOf(name.text, at + 1)) {
    const before = content[at - 1] ?? ' '
    const after = content[at + name.text.length] ?? ' '
    if (!/[\p{L}\p{N}]/u.test(before) && !/[\p{L}\p{N}]/u.test(after)) return true
  }
  return false
}

/** Stop words that stand in the query as names (Will, May, IT) are looked for all the same. */
export function namedStopWords(names: readonly ExactName[]): Set<string> {
  return new Set(
    names.flatMap(({ text }) => splitWords(text)).filter((word) => word.length > 1 && isStopWord(word)),
  )
}
