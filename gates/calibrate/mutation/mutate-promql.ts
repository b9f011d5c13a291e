import type { Parameters } from '../../engine/types.ts'

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
/** Prefix of the name of a parameter that is as many times longer: `$WIDE_W`. */
const WIDE = 'WIDE_'

/** The parameters with a wider one beside each number. */
export function withWiderParameters(parameters: Parameters): Parameters {
  const numbers = Object.entries(parameters).filter(([, value]) => typeof value === 'number')
  return {
    ...parameters,
    ...Object.fromEntries(numbers.map(([name, value]) => [`${WIDE}${name}`, Number(value) * WIDER_BY])),
  }
}

function widened(length: string): string | null {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(length) ?? []
  if (amount !== undefined && unit !== undefined) return `${Number(amount) * WIDER_BY}${unit}`
  const [, name] = /^\$([A-Z_]+)$/.exec(length) ?? []
  return name === undefined ? null : `$${WIDE}${name}`
}

function withoutQuotesAndBraces(text: string): string {
  return text
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, (quoted) => ' '.repeat(quoted.length))
    .replaceAll(/\{[^}]*\}/g, (braces) => ' '.repeat(braces.length))
}

function replaceAt(text: string, index: number, length: number, by: string): string {
  return `${text.slice(0, index)}${by}${text.slice(index + length)}`
}
