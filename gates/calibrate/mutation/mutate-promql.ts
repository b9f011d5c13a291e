/** One small wrong change of an expression. */
export interface Mutant {
  readonly operator: 'flip operator' | 'drop matcher' | 'widen window' | 'remove guard' | 'loosen limit'
  readonly text: string
}

const FLIPPED: Readonly<Record<string, string>> = {
  '<=': '>',
  '>=': '<',
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '>': '<=',
}

/** Every mutant of a PromQL expression that one change makes; `$NAME`s may stand in it. */
export function mutatePromql(text: string): readonly Mutant[] {
  return [...flips(text), ...droppedMatchers(text), ...widenedWindows(text)]
}

function flips(text: string): readonly Mutant[] {
  const plain = withoutQuotesAndBraces(text)
  return [...plain.matchAll(/<=|>=|==|!=|<|>/g)].map((match) => ({
    operator: 'flip operator',
    text: replaceAt(text, match.index, match[0].length, FLIPPED[match[0]] ?? match[0]),
  }))
}

/** A selector that loses its last matcher must still be one: it keeps its name. */
function droppedMatchers(text: string): readonly Mutant[] {
  return [...text.matchAll(/\{([^}]*)\}/g)].flatMap((braces) => {
    const body = braces[1] ?? ''
    const matchers = [...body.matchAll(/[a-z_]+\s*(=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"/g)].map(
      (match) => match[0],
    )
    return matchers.map((dropped): Mutant => {
      const kept = matchers.filter((matcher) => matcher !== dropped)
      return {
        operator: 'drop matcher',
        text: replaceAt(text, braces.index, braces[0].length, `{${kept.join(',')}}`),
      }
    })
  })
}

/** `[W]` becomes twice as long: what was before the window counts too. A window of all there is has no wider one. */
function widenedWindows(text: string): readonly Mutant[] {
  const plain = withoutQuotesAndBraces(text)
  return [...plain.matchAll(/\[([^\]:]+)/g)].flatMap((match): Mutant[] => {
    const length = match[1] ?? ''
    const wider = widened(length)
    if (wider === null) return []
    return [{ operator: 'widen window', text: replaceAt(text, match.index + 1, length.length, wider) }]
  })
}

const WIDER_BY = 20

function widened(length: string): string | null {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(length) ?? []
  if (amount !== undefined && unit !== undefined) return `${Number(amount) * WIDER_BY}${unit}`
  return /^\$[A-Z_]+$/.test(length) ? `${WIDER_BY} * ${length}` : null
}

function withoutQuotesAndBraces(text: string): string {
  return text
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, (quoted) => ' '.repeat(quoted.length))
    .replaceAll(/\{[^}]*\}/g, (braces) => ' '.repeat(braces.length))
}

function replaceAt(text: string, index: number, length: number, by: string): string {
  return `${text.slice(0, index)}${by}${text.slice(index + length)}`
}
