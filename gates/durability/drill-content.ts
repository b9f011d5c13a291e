import { createHash } from 'node:crypto'

const DIGEST_CHARS = 16
/** Every so many contents one is longer than a database page, so that it could be torn. */
const LONG_EVERY = 8
const LONG_WORDS = 1200
const SEARCHED_WORDS = 24

/** The n-th content of a load. Its last word is a digest of the rest: half a content is recognised by itself. */
export function contentOf(mark: string, n: number): string {
  const filler = n % LONG_EVERY === 0 ? ` ${`wave${n} `.repeat(LONG_WORDS).trim()}` : ''
  const text = `${mark} memory ${n}${filler}`
  return `${text} ${digestOf(text)}`
}

export function isWholeContent(content: string): boolean {
  const at = content.lastIndexOf(' ')
  return at > 0 && digestOf(content.slice(0, at)) === content.slice(at + 1)
}

/** Its beginning and its last word, by which a search finds exactly this content, by words and by meaning. */
export function searchWords(content: string): string {
  const words = content.split(' ')
  return [...words.slice(0, SEARCHED_WORDS), words.at(-1)].join(' ')
}

function digestOf(text: string): string {
  return `x${createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARS)}`
}
