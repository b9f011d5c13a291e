const TEXT_CHARACTERS_MAX = 50_000

const INVISIBLE_ELEMENTS = /<(script|style|noscript|template|svg|head)\b[^>]*>[\s\S]*?<\/\1\s*>/gi
const BLOCK_ENDS = /<\/(?:p|div|section|article|li|tr|h[1-6]|ul|ol|table|blockquote|pre)\s*>|<br\b[^>]*>/gi
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

/** Title and readable text of an HTML document, where no browser is there to render it. Approximate on purpose. */
export function textOfHtml(html: string): PageText {
  const title = /<title\b[^>]*>([\s\S]*?)<\/title\s*>/i.exec(html)?.[1] ?? ''
  const body = html
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(INVISIBLE_ELEMENTS, ' ')
    .replace(BLOCK_ENDS, '\n')
    .replace(/<[^>]*>/g, ' ')
  return {
    title: tidy(decodeEntities(title)).replaceAll('\n', ' '),
    text: boundText(tidy(decodeEntities(body))),
  }
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
