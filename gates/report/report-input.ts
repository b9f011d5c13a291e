import type { Manifest } from '../evidence/manifest.ts'
import type { CriterionAnswers, RunVerdict } from '../engine/types.ts'
import type { SensitivityCard } from '../sensitivity/sensitivity-cards.ts'
import type { CaseOutcome } from '../security/corpus-case.ts'
import type { Course } from './courses.ts'

/** All that the page is made of. Everything in it is in the bundle, so that anyone can render the page again. */
export interface ReportInput {
  readonly facts: ReportFacts
  readonly verdict: RunVerdict
  readonly answers: readonly CriterionAnswers[]
  readonly courses: readonly Course[]
  /** What it would have taken to turn each PASS. */
  readonly cards: readonly SensitivityCard[]
  /** What gate 3 sent and what came back; empty where it was not run. */
  readonly attacks: readonly CaseOutcome[]
  /** What people signed; absent on the page that the run itself leaves. */
  readonly release?: ReleaseSignatures
}

export interface ReleaseSignatures {
  readonly number: number
  readonly version: string
  readonly tags: readonly string[]
  readonly decidedAt: string
  readonly signatures: readonly SignatureLine[]
}

/** One person's word on a gate, or on the `release`. */
export interface SignatureLine {
  readonly topic: string
  readonly person: string
  readonly decision: string
  readonly at: string
  readonly keyId: string
  readonly reason: string | null
}

/** The manifest without its list of files, which holds the page itself. */
export type ReportFacts = Omit<Manifest, 'files'>
