/** Markup that needs no further escaping. */
export interface Html {
  readonly markup: string
}

export type HtmlPart = Html | string | number | null | readonly HtmlPart[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Tagged template whose values are escaped unless they are markup already: labels and sentences come from data. */
export function html(texts: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return { markup: texts.reduce((all, text, index) => all + markupOf(parts[index - 1] ?? null) + text) }
}

export function raw(markup: string): Html {
  return { markup }
}

function markupOf(part: HtmlPart): string {
  if (part === null) return ''
  if (typeof part === 'string' || typeof part === 'number') return escapeText(String(part))
  if (isMarkup(part)) return part.markup
  return part.map(markupOf).join('')
}

function isMarkup(part: Html | readonly HtmlPart[]): part is Html {
  return 'markup' in part
}

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/gu, (character) => ENTITIES[character] ?? '')
}
