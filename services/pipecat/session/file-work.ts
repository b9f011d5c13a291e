import type { Logger } from '#chassis/logging.ts'
import type { SessionFile, SessionFiles } from './session-files.ts'

export interface FileWorkNeeds {
  readonly files: SessionFiles
  readonly log: Logger
  /** Told after every operation: whether the folder takes what it is given, and nothing is left in it to remove. */
  readonly onState: (isSound: boolean) => void
}

/**
 * What is done to the files of sessions. Operations on one session do not overtake each other; what a full or read-only
 * disk refused is tried again, for a file that stays would open its session again at the next start.
 */
export class FileWork {
  readonly #needs: FileWorkNeeds
  readonly #work = new Map<string, Promise<boolean>>()
  readonly #unremoved = new Set<string>()
  #isWritable = true
  #isMending = false

  constructor(needs: FileWorkNeeds) {
    this.#needs = needs
  }

  async write(file: SessionFile): Promise<boolean> {
    this.#isWritable = await this.#queue(file.session_id, () => this.#needs.files.write(file))
    this.#report()
    return this.#isWritable
  }

  async remove(id: string): Promise<void> {
    const isGone = await this.#queue(id, () => this.#needs.files.remove(id))
    if (!isGone) this.#unremoved.add(id)
    this.#report()
  }

  /** Resolves when nothing is under way for this session: whether its file is as it should be. */
  async settled(id: string): Promise<boolean> {
    return (await this.#work.get(id)) ?? !this.#unremoved.has(id)
  }

  async allSettled(): Promise<void> {
    await Promise.all(this.#work.values())
  }

  /** Tries again what failed; to be called now and then. */
  async mend(): Promise<void> {
    if (this.#isMending || this.#isSound) return
    this.#isMending = true
    try {
      for (const id of this.#unremoved) {
        await this.#needs.files.remove(id)
        this.#unremoved.delete(id)
      }
      await this.#needs.files.probe()
      this.#isWritable = true
    } catch {
      // As before, and said before.
    } finally {
      this.#isMending = false
      this.#report()
    }
  }

  get #isSound(): boolean {
    return this.#isWritable && this.#unremoved.size === 0
  }

  #report(): void {
    this.#needs.onState(this.#isSound)
  }

  #queue(id: string, work: () => Promise<void>): Promise<boolean> {
    const done = (this.#work.get(id) ?? Promise.resolve())
      .then(work)
      .then(() => true)
      .catch((error: unknown) => {
        this.#needs.log.error({ err: error }, 'the file of a session could not be written')
        return false
      })
    this.#work.set(id, done)
    void done.then(() => {
      if (this.#work.get(id) === done) this.#work.delete(id)
    })
    return done
  }
}
