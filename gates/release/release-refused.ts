import { exitCodeOf, type Finding } from '../evidence/findings.ts'

/** A release that must not happen, with everything that stands against it. */
export class ReleaseRefused extends Error {
  override readonly name = 'ReleaseRefused'
  readonly findings: readonly Finding[]
  readonly exitCode: number

  constructor(findings: readonly Finding[]) {
    super(`refused: ${findings.map((one) => one.sentence).join('; ')}`)
    this.findings = findings
    this.exitCode = exitCodeOf(findings)
  }
}
