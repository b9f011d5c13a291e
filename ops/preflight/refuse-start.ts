import { OPS_EXIT, OpsError } from '../ops-error.ts'
import type { PreflightOptions } from './options.ts'
import { type PreflightReport, reportOf, runCheck } from './report.ts'
import { preflightChecks } from './run-preflight.ts'
import { findingText } from './text.ts'

/** A start refuses these itself, with the exit code and hint that fit (taken ports, missing components). */
const REFUSED_ELSEWHERE = new Set(['ports', 'versions'])

const FINDINGS_TOLD_MAX = 20

/** Throws where a check of preflight fails: nothing is started on a state that should not be trusted. */
export async function refuseFailedPreflight(options: PreflightOptions): Promise<void> {
  const checks = preflightChecks(options).filter(({ id }) => !REFUSED_ELSEWHERE.has(id))
  const report = reportOf(await Promise.all(checks.map(runCheck)))
  if (!report.ok) throw refusal(report)
}

function refusal({ failed, checks }: PreflightReport): OpsError {
  const errors = checks.flatMap(({ findings }) => findings).filter(({ level }) => level === 'error')
  const told = errors.slice(0, FINDINGS_TOLD_MAX).map((finding) => `\n  ${findingText(finding)}`)
  return new OpsError(OPS_EXIT.badInput, `preflight failed in ${failed} check(s):${told.join('')}`, {
    hint: './sonia preflight lists every check and finding',
  })
}
