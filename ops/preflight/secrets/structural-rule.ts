import { extname } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { type Finding, problem } from '../report.ts'
import { redacted } from './redacted.ts'
import { isReference, isSecretKey } from './secret-keys.ts'

interface Literal {
  readonly key: string
  readonly value: string
  readonly line: number
}

/** Any non-empty literal under a key that says secret, in a file that has keys: JSON, YAML, env, ini. */
export function findSecretLiterals(path: string, text: string): readonly Finding[] {
  return literalsOf(path, text)
    .filter(({ value }) => value.trim() !== '' && !isReference(value.trim()))
    .map(({ key, value, line }) =>
      problem(
        `a literal under the key "${key}": ${redacted(value)}; put env:NAME or file:PATH there`,
        path,
        line,
      ),
    )
}

function literalsOf(path: string, text: string): readonly Literal[] {
  const extension = extname(path).toLowerCase()
  if (['.json', '.jsonc', '.yaml', '.yml'].includes(extension)) return structuredLiterals(text)
  const isLines = ['.env', '.ini', '.conf', '.properties', '.toml', '.cfg'].includes(extension)
  return isLines || /(?:^|\/)\.env(?:\.|$)/.test(path) ? lineLiterals(text) : []
}

/** JSON is YAML, so one reader with positions serves both. A file that cannot be parsed is read line by line. */
function structuredLiterals(text: string): readonly Literal[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' })
  if (!Array.isArray(documents)) return []
  if (documents.some(({ errors }) => errors.length > 0)) return lineLiterals(text)
  return documents.flatMap(({ contents }) => [...literalsUnder(contents as Node | null, null, lines)])
}

function* literalsUnder(node: unknown, key: string | null, lines: LineCounter): Generator<Literal> {
  if (isMap(node)) {
    for (const { key: name, value } of node.items) {
      const text = isScalar(name) ? String(name.value) : ''
      yield* literalsUnder(value, isSecretKey(text) ? text : null, lines)
    }
  } else if (isSeq(node)) {
    for (const item of node.items) yield* literalsUnder(item, key, lines)
  } else if (key !== null && isScalar(node) && typeof node.value === 'string') {
    yield { key, value: node.value, line: lines.linePos(node.range?.[0] ?? 0).line }
  }
}

const ASSIGNMENT = /^\s*(?:export\s+)?["']?([A-Za-z_][\w.-]*)["']?\s*[:=]\s*(.*?)\s*,?\s*$/

function lineLiterals(text: string): readonly Literal[] {
  return text.split('\n').flatMap((content, index) => {
    const [, key = '', raw = ''] = ASSIGNMENT.exec(content) ?? []
    const value = raw.replace(/^(["'])(.*)\1$/, '$2')
    return isSecretKey(key) ? [{ key, value, line: index + 1 }] : []
  })
}
