import { COMPARISONS, type Criterion, type Expectation, type GateCriteria, type Guard } from './criterion.ts'
import type { JudgeSpec, Unit } from './criterion.ts'
import type { InputProblem } from './input-problems.ts'
import type { CriterionEntry, GuardEntry, ParsedCriteria } from './parse-criteria.ts'
import type { ReasonCode } from './types.ts'

const SECONDS_PER = { s: 1, m: 60, h: 3600 } as const

/** Units a judge can speak of; a scalar may have any. */
const UNITS_OF_JUDGE: Readonly<Record<string, readonly string[]>> = {
  count: ['count'],
  ledger: ['count', 'bytes', 'seconds'],
  'ratio-bound': ['ratio'],
  'growth-bound': ['bytes/h', 'count/h', 'seconds/h'],
  'drift-bound': ['ratio'],
}

/** Checks what a schema cannot (names, units, ids) and makes criteria of a parsed file. */
export function buildCriteria(parsed: ParsedCriteria): GateCriteria | readonly InputProblem[] {
  const { content } = parsed
  const problems = [...fileProblems(parsed), ...content.criteria.flatMap((_, i) => entryProblems(parsed, i))]
  if (problems.length > 0) return problems
  const criteria = content.criteria.map((entry, index) => criterionOf(parsed, entry, index))
  return { gate: content.gate, title: content.title, valid: validOf(parsed), criteria }
}

function validOf({ file, content, lineOf }: ParsedCriteria): GateCriteria['valid'] {
  if (content.valid === undefined) return null
  return { promql: content.valid, source: `${file}:${lineOf(['valid'])}` }
}

function fileProblems({ file, content, lineOf }: ParsedCriteria): InputProblem[] {
  const problems: InputProblem[] = []
  if (file !== `${content.gate}.yaml`) {
    problems.push({
      file,
      line: lineOf(['gate']),
      message: `gate "${content.gate}" belongs into ${content.gate}.yaml`,
    })
  }
  const seen = new Set<string>()
  for (const [index, { id }] of content.criteria.entries()) {
    const line = lineOf(['criteria', index, 'id'])
    if (seen.has(id)) problems.push({ file, line, message: `the id "${id}" is there twice` })
    if (!id.startsWith(`${content.gate}.`)) {
      problems.push({ file, line, message: `the id "${id}" must begin with "${content.gate}."` })
    }
    seen.add(id)
  }
  return problems
}

function entryProblems({ file, content, lineOf }: ParsedCriteria, index: number): InputProblem[] {
  const entry = content.criteria[index]
  if (entry === undefined) return []
  const at = (...path: string[]) => lineOf(['criteria', index, ...path])
  const problems: InputProblem[] = []
  for (const guard of entry.guards ?? []) {
    if (typeof guard === 'string' && !Object.hasOwn(content.guards ?? {}, guard)) {
      problems.push({ file, line: at('guards'), message: `there is no guard "${guard}" in this file` })
    }
  }
  const units = UNITS_OF_JUDGE[entry.judge.kind]
  if (units !== undefined && !units.includes(entry.unit)) {
    const message = `unit "${entry.unit}" does not fit ${entry.judge.kind}: ${units.join(', ')}`
    problems.push({ file, line: at('unit'), message })
  }
  return problems
}

function criterionOf(
  { file, content, lineOf }: ParsedCriteria,
  entry: CriterionEntry,
  index: number,
): Criterion {
  return {
    id: entry.id,
    gate: content.gate,
    title: entry.title,
    why: entry.why,
    unit: entry.unit as Unit,
    needsSeconds: entry.needs === undefined ? 0 : secondsOf(entry.needs),
    expect: (entry.expect as Expectation | undefined) ?? null,
    guards: (entry.guards ?? []).map((guard, position) => guardOf(content.guards ?? {}, guard, position)),
    judge: entry.judge as unknown as JudgeSpec,
    source: `${file}:${lineOf(['criteria', index])}`,
  }
}

function guardOf(
  named: Readonly<Record<string, GuardEntry>>,
  guard: string | GuardEntry,
  position: number,
): Guard {
  const entry = typeof guard === 'string' ? named[guard] : guard
  if (entry === undefined) throw new Error('names of guards were checked before')
  return {
    name: typeof guard === 'string' ? guard : `${position + 1}`,
    promql: entry.promql,
    reason: entry.reason as ReasonCode,
    says: entry.says,
    blocks: entry.blocks ?? 'all',
  }
}

function secondsOf(duration: string): number {
  const unit = duration.slice(-1) as keyof typeof SECONDS_PER
  return Number(duration.slice(0, -1)) * SECONDS_PER[unit]
}

/** The one comparison a scalar names; the schema lets exactly one through. */
export function comparisonOf(spec: Extract<JudgeSpec, { kind: 'scalar' }>) {
  const comparison = COMPARISONS.find((name) => spec[name] !== undefined)
  const limit = comparison === undefined ? undefined : spec[comparison]
  if (comparison === undefined || limit === undefined) throw new Error('a scalar without a limit')
  return { comparison, limit }
}
