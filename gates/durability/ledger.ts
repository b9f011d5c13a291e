import type { DatabaseState } from './check-database.ts'
import type { ImageVerdict } from './power-loss.ts'
import type { PowerLoss } from './disk-image.ts'

/** Arguments and answers of the scripts that compare databases with what was acknowledged; files are named by path. */
export interface LedgerCheck {
  readonly database: string
  /** JSON: every acknowledged write. */
  readonly ledger: string
}

export interface LedgerState extends Omit<DatabaseState, 'missing'> {
  readonly lost: number
}

export interface ImageCheck {
  /** What strace wrote, and the folder whose files it is about. */
  readonly trace: string
  readonly folder: string
  /** Copies of the files as they were when the recording began. */
  readonly initial: string
  readonly ledger: string
  readonly losses: readonly PowerLoss[]
  /** Where the images are laid out, one after the other. */
  readonly scratch: string
}

export interface ImagesState {
  readonly calls: number
  readonly verdicts: readonly ImageVerdict[]
}
