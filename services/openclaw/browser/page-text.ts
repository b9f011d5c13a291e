export const TEXT_CHARACTERS_MAX = 50_000
export const TITLE_CHARACTERS_MAX = 1_000

const BLOCK_ELEMENTS: ReadonlySet<string> = new Set(
  'p div section article li tr h1 h2 h3 h4 h5 h6 ul ol table blockquote pre'.split(' '),
)
/** Elements whose content is not shown with the page, each with what ends it. */
const HIDDEN_ELEMENTS: ReadonlyMap<string, RegExp> = new Map(
  ['title', 'script', 'style', 'noscript', 'template', 'svg'].map((name) => [
    name,
    new RegExp(`</${name}(?=[\\s/>])`, 'gi'),
  ]),
)
const TAG_START = /<(\/?)([a-z][a-z0-9]*)/iy
const TAG_END = />/g
const COMMENT_END = /-->/g
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}

export interface PageText {
  readonly title: string
  readonly text: string
}

/**
 * Title and readable text of an HTML document, where no browser is there to render it. Approximate on purpose. Takes
 * time in proportion to the document's length: pages are written by strangers, and patterns that look to the end of it
 * from each of a million tags that never end would take hours.
 */
export function textOfHtml(html: string): PageText {
  const find = createFinder(html)
  const shown: string[] = []
  let title: string | null = null
  for (let at = 0; at < html.length; ) {
    const start = html.indexOf('<', at)
    const tag = start < 0 ? null : readTag(html, start, find)
    if (tag === null) {
      shown.push(html.slice(at))
      break
    }
    shown.push(html.slice(at, start), tag.leaves)
    at = tag.end
    const ending = tag.opens === null ? undefined : HIDDEN_ELEMENTS.get(tag.opens)
    const hiddenTo = ending === undefined ? -1 : find(ending, at)
    if (hiddenTo < 0) continue
    if (tag.opens === 'title') title ??= html.slice(at, hiddenTo)
    at = hiddenTo
  }
  return {
    title: tidy(decodeEntities(title ?? ''))
      .replaceAll('\n', ' ')
      .slice(0, TITLE_CHARACTERS_MAX),
    text: boundText(tidy(decodeEntities(shown.join('')))),
  }
}

/** Where the pattern is found next, -1 where it is not; what was not found once is not looked for again. */
type Find = (pattern: RegExp, from: number) => number

function createFinder(html: string): Find {
  const missing = new Set<RegExp>()
  return (pattern, from) => {
    if (missing.has(pattern)) return -1
    pattern.lastIndex = from
    const found = pattern.exec(html)
    if (found === null) missing.add(pattern)
    return found?.index ?? -1
  }
}

interface Tag {
  readonly end: number
  /** Name of the element that begins here. */
  readonly opens: string | null
  /** What stands for it in the text. */
  readonly leaves: '' | ' ' | '\n'
}

/** The tag or comment at `start`; null where it has no end. */
function readTag(html: string, start: number, find: Find): Tag | null {
  const commentEnd = html.startsWith('<!--', start) ? find(COMMENT_END, start + 4) : -1
  if (commentEnd >= 0) return { end: commentEnd + 3, opens: null, leaves: '' }
  const last = find(TAG_END, start)
  if (last < 0) return null
  TAG_START.lastIndex = start
  const [, slash, spelled] = TAG_START.exec(html) ?? []
  const name = spelled?.toLowerCase() ?? ''
  const isOpening = slash === ''
  const endsLine = isOpening ? name === 'br' : BLOCK_ELEMENTS.has(name)
  return { end: last + 1, opens: isOpening ? name : null, leaves: endsLine ? '\n' : ' ' }
}

export function boundText(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : text.slice(0, TEXT_CHARACTERS_MAX)
}

function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,6});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/[\s\u00a0]+/g, ' ').trim())
  return lines.filter((line) => line !== '').join('\n')
}
