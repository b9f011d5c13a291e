/** How long keys live, all in ms. */
export interface KeyTimes {
  readonly rotateAfterMs: number
  /** From publication to the first signature: every verifier can have fetched the key by then. */
  readonly leadMs: number
  /** From the last signature to removal: the last token has died by then. */
  readonly retireAfterMs: number
}

export interface KeyRoles<K> {
  /** Signs tokens now; undefined where no key may. */
  readonly signing: K | undefined
  /** Published, waits to sign. */
  readonly next: K | undefined
  /** Nothing that it signed is alive. */
  readonly retired: readonly K[]
  readonly needsNew: boolean
}

interface Dated {
  readonly createdAtMs: number
}

/**
 * What each key is for at `nowMs`, from its age alone: publish, wait for caches, sign, retire after the last token
 * died. The only key there is signs at once, since nobody has another one to verify with.
 */
export function keyRoles<K extends Dated>(keys: readonly K[], nowMs: number, times: KeyTimes): KeyRoles<K> {
  const newestFirst = [...keys].sort((one, other) => other.createdAtMs - one.createdAtMs)
  const [newest] = newestFirst
  const isOnly = newestFirst.length === 1
  const ready = newestFirst.filter((key) => isOnly || nowMs >= key.createdAtMs + times.leadMs)
  const signing = ready[0] ?? newestFirst.at(-1)
  const next = newest === signing ? undefined : newest
  const takenOverMs = (signing?.createdAtMs ?? 0) + times.leadMs
  const isOver = nowMs >= takenOverMs + times.retireAfterMs
  const older = newestFirst.filter((key) => key !== signing && key !== next)
  return {
    signing,
    next,
    retired: isOver ? older.filter((key) => key.createdAtMs <= (signing?.createdAtMs ?? 0)) : [],
    needsNew: newest === undefined || nowMs >= newest.createdAtMs + times.rotateAfterMs,
  }
}
