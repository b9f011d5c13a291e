import { ServiceError } from '#chassis/errors.ts'
import type { PackedTimings } from '../database/timings.ts'
import { type Outcome, unwrap } from '../threads/outcome.ts'
import type { WriteJob, WriteKind, WriteOperation, WriteReply, WriteResults } from './write-job.ts'

/** What waits beyond this is refused: the disk is slower than the callers. */
const WAITING_OPERATIONS_MAX = 2000
const WAITING_CHARS_MAX = 64 * 1024 * 1024
/** A group stays small enough to commit within a fraction of a second. */
const GROUP_OPERATIONS_MAX = 256
const GROUP_CHARS_MAX = 4 * 1024 * 1024

export interface Written<T> {
  readonly value: T
  readonly timings: PackedTimings
}

export interface Until {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export interface GroupCommitSettings {
  readonly send: (job: WriteJob) => Promise<WriteReply>
  readonly onReply: (reply: WriteReply) => void
}

interface Waiting {
  readonly operation: WriteOperation
  readonly chars: number
  readonly until: Until
  readonly resolve: (written: Written<WriteResults[WriteKind]>) => void
  readonly reject: (error: unknown) => void
}

/**
 * While one group is being committed the next one gathers: with many callers one fsync serves them all,
 * a single caller waits for nobody.
 */
export class GroupCommit {
  readonly #settings: GroupCommitSettings
  #waiting: Waiting[] = []
  #waitingChars = 0
  #underWay: Promise<void> | undefined
  #scheduled = false

  constructor(settings: GroupCommitSettings) {
    this.#settings = settings
  }

  /** Resolves after the commit that holds the operation; rejects when nothing of it was written. */
  write<K extends WriteKind>(
    operation: Extract<WriteOperation, { kind: K }>,
    until: Until,
  ): Promise<Written<WriteResults[K]>> {
    const chars = sizeOf(operation)
    if (this.#waiting.length >= WAITING_OPERATIONS_MAX || this.#waitingChars + chars > WAITING_CHARS_MAX) {
      const refusal = new ServiceError('UNAVAILABLE', 'Too many writes are waiting', { retryAfterSeconds: 1 })
      return Promise.reject(refusal)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, chars, until, resolve: resolve as Waiting['resolve'], reject })
      this.#waitingChars += chars
      this.#schedule()
    })
  }

  /** An empty group: opens the database when it is not, and says why it cannot. */
  async check(): Promise<void> {
    const reply = await this.#settings.send([])
    this.#settings.onReply(reply)
    if (reply.failure !== null) unwrap({ ok: false, error: reply.failure })
  }

  /** Resolves when nothing waits and nothing is under way. */
  async settled(): Promise<void> {
    while (this.#underWay !== undefined || this.#waiting.length > 0) {
      await (this.#underWay ?? new Promise((resolve) => setImmediate(resolve)))
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay !== undefined || this.#waiting.length === 0) return
    this.#scheduled = true
    // Callers of the same turn of the event loop, and those just answered, join the group.
    setImmediate(() => {
      this.#scheduled = false
      this.#underWay = this.#commitNext().finally(() => {
        this.#underWay = undefined
        this.#schedule()
      })
    })
  }

  async #commitNext(): Promise<void> {
    const group = this.#takeGroup()
    if (group.length === 0) return
    try {
      const reply = await this.#settings.send(group.map(({ operation }) => operation))
      this.#settings.onReply(reply)
      for (const [place, member] of group.entries()) settle(member, reply.outcomes[place], reply.timings)
    } catch (error) {
      for (const member of group) member.reject(error)
    }
  }

  /** Who left while waiting is dropped before anything is written for him. */
  #takeGroup(): Waiting[] {
    const group: Waiting[] = []
    let chars = 0
    let taken = 0
    for (const member of this.#waiting) {
      const isFull = group.length >= GROUP_OPERATIONS_MAX || chars + member.chars > GROUP_CHARS_MAX
      if (group.length > 0 && isFull) break
      taken++
      this.#waitingChars -= member.chars
      if (member.until.signal.aborted) {
        member.reject(abortReason(member.until.signal))
        continue
      }
      group.push(member)
      chars += member.chars
    }
    this.#waiting = this.#waiting.slice(taken)
    return group
  }
}

function settle(
  member: Waiting,
  outcome: Outcome<WriteResults[WriteKind]> | undefined,
  timings: PackedTimings,
): void {
  try {
    if (outcome === undefined) throw new Error('the writer answered fewer operations than it was given')
    member.resolve({ value: unwrap(outcome), timings })
  } catch (error) {
    member.reject(error)
  }
}

function sizeOf(operation: WriteOperation): number {
  switch (operation.kind) {
    case 'store':
      return operation.draft.content.length + operation.draft.metadata.length
    case 'replace':
      return operation.change.content.length
    case 'import':
      return operation.drafts.reduce((sum, draft) => sum + draft.content.length + draft.metadata.length, 0)
    case 'put_vectors':
      return operation.vectors.reduce((sum, vector) => sum + vector.components.length, 0)
    case 'delete':
    case 'forget':
      return 0
  }
}

export function abortReason(signal: AbortSignal): ServiceError {
  const reason: unknown = signal.reason
  return reason instanceof ServiceError
    ? reason
    : new ServiceError('TIMEOUT', 'Nobody waits for this answer any more')
}
