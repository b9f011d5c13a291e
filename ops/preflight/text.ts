import type { CheckOutcome, Finding, PreflightReport } from './report.ts'

const MARKS: Readonly<Record<CheckOutcome, string>> = {
  pass: 'ok',
  warn: 'warn',
  fail: 'FAIL',
  not_applicable: '-',
}
const FINDINGS_SHOWN_MAX = 20

/** The report for a terminal: every check with its outcome, and below it what it found. */
export function preflightText(report: PreflightReport): string {
  const lines = report.checks.flatMap(({ id, title, outcome, detail, findings }) => [
    `${MARKS[outcome].padStart(4)}  ${id.padEnd(22)} ${title} (${detail})`,
    ...findings.slice(0, FINDINGS_SHOWN_MAX).map((finding) => `        ${findingText(finding)}`),
    ...(findings.length > FINDINGS_SHOWN_MAX
      ? [`        and ${findings.length - FINDINGS_SHOWN_MAX} more`]
      : []),
  ])
  const verdict = report.ok
    ? 'Preflight passed'
    : `Preflight failed: ${report.failed} of ${report.checks.length} checks`
  return `${[...lines, '', `${verdict}${report.warned > 0 ? `, ${report.warned} with warnings` : ''}.`].join('\n')}\n`
}

export function findingText({ level, path, line, message }: Finding): string {
  const place = path === null ? '' : `${path}${line === null ? '' : `:${line}`}: `
  return `${level}: ${place}${message}`
}
