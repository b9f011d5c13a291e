import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CriterionAnswers, RunVerdict } from '../engine/types.ts'
import { readAttacks } from '../evidence/attacks-file.ts'
import { answersPath } from '../evidence/answers-file.ts'
import type { ReadManifest } from '../evidence/check-files.ts'
import { readCourses } from '../evidence/courses-file.ts'
import { readCards } from '../evidence/sensitivity-file.ts'
import { renderReport } from '../report/render-report.ts'
import type { ReleaseSignatures } from '../report/report-input.ts'
import { tagNames, type Candidate } from './candidate.ts'
import { renderChecklist } from './checklist.ts'
import type { TopicState } from './judge-sign-offs.ts'

export interface PagesInput {
  /** Folder that holds the stored answers. */
  readonly bundle: string
  readonly read: ReadManifest
  readonly verdict: RunVerdict
  readonly states: readonly TopicState[]
  readonly candidate: Candidate
  readonly decidedAt: string
}

export interface Pages {
  readonly checklist: string
  readonly page: string
}

/** What people read of a release. It follows from the manifest, the verdict and the signatures, and from nothing else. */
export async function renderPages(input: PagesInput): Promise<Pages> {
  const { bundle, read, verdict, states } = input
  const { files: _files, ...facts } = read.manifest
  const answers = await Promise.all(verdict.gates.map(({ gate }) => storedAnswers(bundle, gate)))
  return {
    checklist: renderChecklist({ manifest: read.manifest, manifestSha256: read.sha256, verdict, states }),
    page: renderReport({
      facts,
      verdict,
      answers: answers.flat(),
      courses: await readCourses(bundle, verdict),
      cards: await readCards(bundle, verdict),
      attacks: await readAttacks(bundle),
      release: signaturesOf(input),
    }),
  }
}

/** Of the shape the engine wrote: the manifest's digest covers the file, and `verify` derives it again. */
async function storedAnswers(bundle: string, gate: string): Promise<readonly CriterionAnswers[]> {
  return JSON.parse(await readFile(join(bundle, answersPath(gate)), 'utf8')) as readonly CriterionAnswers[]
}

function signaturesOf({ states, candidate, decidedAt }: PagesInput): ReleaseSignatures {
  const { number, version } = candidate
  const signatures = states.flatMap((state) =>
    [...state.approvals, ...state.vetoes].map(({ file, person }) => ({
      topic: state.topic,
      person: person.name,
      decision: file.signOff.decision,
      at: file.signOff.at,
      keyId: file.signature.keyId,
      reason: file.signOff.reason,
    })),
  )
  return { number, version, tags: tagNames(candidate), decidedAt, signatures }
}
