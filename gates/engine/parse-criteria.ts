import { Ajv, type ErrorObject } from 'ajv'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import schema from '../criteria/criteria.schema.json' with { type: 'json' }
import type { InputProblem } from './input-problems.ts'

/** A criteria file larger than this is refused unread: ours have 10 KB. */
export const CRITERIA_BYTES_MAX = 256 * 1024

/** Ours have six. The parser calls itself for each. */
const DEPTH_MAX = 100
const FAULTS_SHOWN_MAX = 20

/** A file that the schema accepts, with the means to say where each part stands. */
export interface ParsedCriteria {
  readonly file: string
  readonly content: CriteriaFile
  readonly lineOf: (path: readonly (string | number)[]) => number
}

export interface CriteriaFile {
  readonly gate: string
  readonly title: string
  readonly valid?: string
  readonly guards?: Readonly<Record<string, GuardEntry>>
  readonly criteria: readonly CriterionEntry[]
}

export interface GuardEntry {
  readonly promql: string
  readonly reason: string
  readonly says: string
  readonly blocks?: 'all' | 'pass'
}

export interface CriterionEntry {
  readonly id: string
  readonly title: string
  readonly why: string
  readonly unit: string
  readonly needs?: string
  readonly guards?: readonly (string | GuardEntry)[]
  readonly expect?: object
  readonly judge: { readonly kind: string } & Readonly<Record<string, unknown>>
}

const validate = new Ajv({
  allErrors: true,
  discriminator: true,
  strict: false,
  strictNumbers: true,
  verbose: true,
}).compile<CriteriaFile>(schema)

/** Text to checked content, or every problem with its line. Never runs or expands anything of the file. */
export function parseCriteria(file: string, text: string): ParsedCriteria | readonly InputProblem[] {
  if (Buffer.byteLength(text) > CRITERIA_BYTES_MAX) {
    return [{ file, line: 1, message: `is larger than ${CRITERIA_BYTES_MAX / 1024} KiB` }]
  }
  const tooDeep = lineOfDepth(text, DEPTH_MAX)
  if (tooDeep !== null) {
    return [{ file, line: tooDeep, message: `more than ${DEPTH_MAX} brackets stand in each other` }]
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core' })
  // What is warned of is no plain YAML: a tag of some language, an anchor that nobody knows.
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    return faults.slice(0, FAULTS_SHOWN_MAX).map((error) => ({
      file,
      line: lines.linePos(error.pos[0]).line,
      message: (error.message.split(/ at line|\n/)[0] ?? error.message).trim(),
    }))
  }
  const lineOf = (path: readonly (string | number)[]) => lineOfPath(document, lines, path)
  return checkContent(file, document, lineOf)
}

function checkContent(
  file: string,
  document: Document,
  lineOf: ParsedCriteria['lineOf'],
): ParsedCriteria | readonly InputProblem[] {
  let content: unknown
  try {
    content = document.toJS({ maxAliasCount: 50 })
  } catch (error) {
    return [{ file, line: 1, message: error instanceof Error ? error.message : String(error) }]
  }
  if (validate(content)) return { file, content, lineOf }
  return clearest(validate.errors ?? []).map((error) => ({
    file,
    line: lineOf(pathOf(error, content)),
    message: describe(error),
  }))
}

/** Where one of several forms is asked, each form that does not fit complains: one sentence says it all. */
function clearest(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const forms = errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath)
  const isDeeper = (path: string) => errors.some(({ instancePath }) => instancePath.startsWith(`${path}/`))
  return errors.filter(({ keyword, instancePath }) => {
    if (!forms.includes(instancePath)) return true
    return keyword === 'anyOf' && !isDeeper(instancePath)
  })
}

function pathOf(error: ErrorObject, content: unknown): (string | number)[] {
  const names = error.instancePath.split('/').slice(1)
  const path = names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  const extra = error.params['additionalProperty'] ?? error.propertyName
  if (typeof extra === 'string') path.push(extra)
  return indexed(path, content)
}

/** Line at which more than so many brackets are open, as written: those inside of texts count too. */
function lineOfDepth(text: string, depthMax: number): number | null {
  let depth = 0
  let line = 1
  for (const character of text) {
    if (character === '\n') line += 1
    if (character === '[' || character === '{') depth += 1
    if (character === ']' || character === '}') depth = Math.max(0, depth - 1)
    if (depth > depthMax) return line
  }
  return null
}

/** "0" below a list is the number 0, below a mapping a key. */
function indexed(path: readonly string[], content: unknown): (string | number)[] {
  let here: unknown = content
  return path.map((name) => {
    const step = Array.isArray(here) ? Number(name) : name
    here = (here as Record<string | number, unknown> | undefined)?.[step]
    return step
  })
}

function describe(error: ErrorObject): string {
  const where = error.instancePath.slice(1).replaceAll('/', '.') || 'file'
  if (error.keyword === 'enum' || error.keyword === 'const') {
    const allowed: unknown = error.params['allowedValues'] ?? [error.params['allowedValue']]
    return `${where} must be one of ${(allowed as unknown[]).join(', ')}`
  }
  if (error.keyword === 'discriminator') {
    return `${where}.kind "${error.params['tagValue']}" is no judge: scalar, count, ratio-bound, ledger, growth-bound, drift-bound`
  }
  if (error.keyword === 'additionalProperties') {
    return `${where} may not have "${error.params['additionalProperty']}"`
  }
  if (error.keyword === 'anyOf') return `${where} must be ${formsOf(error)}`
  return `${where} ${error.message ?? 'is not allowed'}`
}

function formsOf({ parentSchema }: ErrorObject): string {
  const { description } = (parentSchema ?? {}) as { readonly description?: string }
  return description ?? 'of another form'
}

/** Line of the deepest node that exists on the path. */
function lineOfPath(document: Document, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}
