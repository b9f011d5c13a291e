import type { Manifest } from '../evidence/manifest.ts'
import type { CriterionAnswers, RunVerdict } from '../engine/types.ts'

/** All that the page is made of. Everything in it is in the bundle, so that anyone can render the page again. */
export interface ReportInput {
  readonly facts: ReportFacts
  readonly verdict: RunVerdict
  readonly answers: readonly CriterionAnswers[]
}

/** The manifest without its list of files, which holds the page itself. */
export type ReportFacts = Omit<Manifest, 'files'>
