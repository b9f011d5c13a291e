/** `warn` is told and does not stop anything; `not_applicable` says why there was nothing to check. */
export type CheckOutcome = 'pass' | 'warn' | 'fail' | 'not_applicable'

export interface Finding {
  readonly level: 'error' | 'warning'
  /** File, relative to the state folder or the repository; null where it is about no file. */
  readonly path: string | null
  readonly line: number | null
  /** What is wrong. Never holds the secret itself. */
  readonly message: string
}

export interface CheckResult {
  readonly id: string
  /** What is guaranteed where this passes. */
  readonly title: string
  readonly outcome: CheckOutcome
  /** What was looked at, or why nothing was. */
  readonly detail: string
  readonly findings: readonly Finding[]
}

export interface PreflightReport {
  readonly ok: boolean
  readonly failed: number
  readonly warned: number
  readonly checks: readonly CheckResult[]
}

/** One check: its name, and what it found. A check that throws has failed. */
export interface Check {
  readonly id: string
  readonly title: string
  run(): Promise<Found> | Found
}

export type Found =
  | { readonly looked: string; readonly findings: readonly Finding[] }
  | { readonly notApplicable: string }

export async function runCheck(check: Check): Promise<CheckResult> {
  const { id, title } = check
  try {
    const found = await check.run()
    if ('notApplicable' in found) {
      return { id, title, outcome: 'not_applicable', detail: found.notApplicable, findings: [] }
    }
    return { id, title, outcome: outcomeOf(found.findings), detail: found.looked, findings: found.findings }
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown failure'
    return { id, title, outcome: 'fail', detail: 'the check itself failed', findings: [problem(message)] }
  }
}

function outcomeOf(findings: readonly Finding[]): CheckOutcome {
  if (findings.some(({ level }) => level === 'error')) return 'fail'
  return findings.length > 0 ? 'warn' : 'pass'
}

export function reportOf(checks: readonly CheckResult[]): PreflightReport {
  const failed = checks.filter(({ outcome }) => outcome === 'fail').length
  const warned = checks.filter(({ outcome }) => outcome === 'warn').length
  return { ok: failed === 0, failed, warned, checks }
}

export function problem(message: string, path: string | null = null, line: number | null = null): Finding {
  return { level: 'error', path, line, message }
}

export function warning(message: string, path: string | null = null, line: number | null = null): Finding {
  return { level: 'warning', path, line, message }
}
