import { readFileSync } from 'node:fs'
import { matchesGlob } from 'node:path'
import { type Finding, warning } from '../report.ts'

export interface Allowance {
  /** Glob over the path of the finding. */
  readonly path: string
  /** The rules that may find something there. */
  readonly rules: readonly Rule[]
  readonly reason: string
}

export const RULES = ['structural', 'shape', 'entropy'] as const
export type Rule = (typeof RULES)[number]

const REASON_CHARACTERS_MIN = 20

/** The reasoned exceptions. Throws on one without a path, a rule or a reason worth the name. */
export function readAllowList(path: string): readonly Allowance[] {
  const entries = JSON.parse(readFileSync(path, 'utf8')) as readonly Partial<Allowance>[]
  return entries.map(({ path: glob, rules, reason }, index) => {
    const isComplete =
      typeof glob === 'string' &&
      rules?.every((rule) => RULES.includes(rule)) === true &&
      rules.length > 0 &&
      (reason?.length ?? 0) >= REASON_CHARACTERS_MIN
    if (!isComplete)
      throw new Error(`entry ${index + 1} of the allow-list lacks a path, known rules or a reason`)
    return { path: glob, rules, reason: reason ?? '' }
  })
}

/** Findings without the allowed ones, and a warning for each exception that allows nothing any more. */
export function applyAllowList(
  found: readonly { readonly rule: Rule; readonly finding: Finding }[],
  allowances: readonly Allowance[],
  scanned: { readonly paths: readonly string[]; readonly rules: readonly Rule[] },
): readonly Finding[] {
  const covers = (allowance: Allowance, rule: Rule, path: string | null) =>
    allowance.rules.includes(rule) && path !== null && matchesGlob(path, allowance.path)
  const kept = found.filter(({ rule, finding }) => !allowances.some((one) => covers(one, rule, finding.path)))
  const idle = allowances.filter(
    (one) =>
      one.rules.every((rule) => scanned.rules.includes(rule)) &&
      scanned.paths.some((path) => matchesGlob(path, one.path)) &&
      !found.some(({ rule, finding }) => covers(one, rule, finding.path)),
  )
  return [
    ...kept.map(({ finding }) => finding),
    ...idle.map(({ path }) => warning(`the allow-list excuses ${path}, where nothing is found any more`)),
  ]
}
