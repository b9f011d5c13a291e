/** What a value may be. A `path` is additionally resolved and must lie inside the sandbox. */
export type ValueKind =
  /** `noFolder`: of a folder the program would read what is in it, names that nobody may read by name included. */
  | { readonly kind: 'path'; readonly noFolder?: true }
  | { readonly kind: 'number'; readonly max: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'pattern'; readonly source: string }

export interface ArgumentGrammar {
  /** Option name (`-n`, `--lines`) to the kind of its value, null where it takes none. Names match exactly. */
  readonly options: Readonly<Record<string, ValueKind | null>>
  /** `cluster`: `-la` is `-l -a` and `-n5` is `-n 5`. `word`: an option is a whole word, as in find. */
  readonly style: 'cluster' | 'word'
  readonly operands: {
    readonly first: readonly ValueKind[]
    readonly rest: ValueKind | null
    readonly min: number
    readonly max: number
  }
  /** Options of which at least one must be given. */
  readonly oneOf?: readonly string[]
  /** The first word must be an option: tar takes one without a dash for a bundle of options, values and all. */
  readonly optionFirst?: true
  /**
   * With `option` each operand must bear the suffix, and the file of its name without it is made: the program would
   * otherwise choose another file than the one that was named.
   */
  readonly unpacks?: { readonly option: string; readonly suffix: string }
}

/** One path of a matched command: which word, what stands before it in that word, and the path itself. */
export interface PathArgument {
  /** Null for a path that no word names, but that the program makes of one. */
  readonly wordIndex: number | null
  readonly prefix: string
  readonly path: string
  readonly noFolder: boolean
}

interface Reading {
  readonly grammar: ArgumentGrammar
  readonly words: readonly string[]
  readonly paths: PathArgument[]
  readonly seen: Set<string>
  operandCount: number
}

/** The paths among the arguments if they match the grammar, null if they do not. `argv[0]` is the program. */
export function matchGrammar(
  grammar: ArgumentGrammar,
  argv: readonly string[],
): readonly PathArgument[] | null {
  const reading: Reading = { grammar, words: argv, paths: [], seen: new Set(), operandCount: 0 }
  let onlyOperands = false
  for (let index = 1; index < argv.length; ) {
    const word = argv[index] ?? ''
    if (!onlyOperands && word === '--' && grammar.style === 'cluster') {
      onlyOperands = true
      index++
      continue
    }
    const isOption = !onlyOperands && word.startsWith('-')
    const used = isOption ? readOption(reading, index) : readOperand(reading, index)
    if (used === 0) return null
    index += used
  }
  return isComplete(reading) ? withUnpacked(reading) : null
}

function withUnpacked({ grammar, paths, seen }: Reading): readonly PathArgument[] | null {
  const { unpacks } = grammar
  if (unpacks === undefined || !seen.has(unpacks.option)) return paths
  if (!paths.every(({ path }) => path.endsWith(unpacks.suffix))) return null
  return paths.flatMap((packed) => [
    packed,
    { ...packed, wordIndex: null, path: packed.path.slice(0, -unpacks.suffix.length) },
  ])
}

function isComplete({ grammar, words, seen, operandCount }: Reading): boolean {
  if (grammar.optionFirst === true && words[1]?.startsWith('-') !== true) return false
  if (operandCount < grammar.operands.min) return false
  return grammar.oneOf === undefined || grammar.oneOf.some((option) => seen.has(option))
}

/** Number of words the option takes, 0 if the grammar does not know it. */
function readOption(reading: Reading, index: number): number {
  const word = reading.words[index] ?? ''
  if (word.startsWith('--') || reading.grammar.style === 'word') return readLongOption(reading, index)
  return readCluster(reading, index)
}

function readLongOption(reading: Reading, index: number): number {
  const word = reading.words[index] ?? ''
  const equals = reading.grammar.style === 'word' ? -1 : word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const kind = lookUp(reading, name)
  if (kind === undefined) return 0
  if (kind === null) return equals < 0 ? 1 : 0
  if (equals >= 0) return acceptValue(reading, kind, { index, offset: equals + 1 }) ? 1 : 0
  return acceptValue(reading, kind, { index: index + 1, offset: 0 }) ? 2 : 0
}

function readCluster(reading: Reading, index: number): number {
  const letters = Array.from((reading.words[index] ?? '').slice(1))
  if (letters.length === 0) return 0
  let offset = 1
  for (const letter of letters) {
    offset += letter.length
    const kind = lookUp(reading, `-${letter}`)
    if (kind === undefined) return 0
    if (kind === null) continue
    const isLast = offset === (reading.words[index] ?? '').length
    const at = isLast ? { index: index + 1, offset: 0 } : { index, offset }
    return acceptValue(reading, kind, at) ? (isLast ? 2 : 1) : 0
  }
  return 1
}

function lookUp(reading: Reading, name: string): ValueKind | null | undefined {
  if (!Object.hasOwn(reading.grammar.options, name)) return undefined
  reading.seen.add(name)
  return reading.grammar.options[name]
}

function readOperand(reading: Reading, index: number): number {
  const { first, rest, max } = reading.grammar.operands
  const kind = first[reading.operandCount] ?? rest
  reading.operandCount++
  if (kind === null || reading.operandCount > max) return 0
  return acceptValue(reading, kind, { index, offset: 0 }) ? 1 : 0
}

function acceptValue(reading: Reading, kind: ValueKind, at: { index: number; offset: number }): boolean {
  const word = reading.words[at.index]
  if (word === undefined) return false
  const value = word.slice(at.offset)
  if (!isValue(kind, value)) return false
  if (kind.kind === 'path') {
    const prefix = word.slice(0, at.offset)
    reading.paths.push({ wordIndex: at.index, prefix, path: value, noFolder: kind.noFolder === true })
  }
  return true
}

function isValue(kind: ValueKind, value: string): boolean {
  switch (kind.kind) {
    // A lone dash means standard input or output to most programs, never a file of that name.
    case 'path':
      return value !== '' && value !== '-'
    case 'number':
      return /^\d{1,9}$/.test(value) && Number(value) <= kind.max
    case 'text':
      return true
    case 'pattern':
      return new RegExp(`^(?:${kind.source})$`, 'u').test(value)
  }
}
