import type { OpsMetrics } from '#ops/ops-metrics.ts'
import { type RepositoryState, repositoryState } from '../evidence/repository.ts'

/** The source tree that a run is about: what git said of it when the run began, and whether it stayed that way. */
export interface JudgedTree {
  /** Asks git again and exports `sonia_build_dirty`: a tree that changed once stays changed. */
  look(): Promise<void>
  /** What the run judged: the commit of its start, dirty if the tree was it at any look. */
  described(): Promise<RepositoryState>
}

/** A tree of which git says nothing has no such series, and no clean build. */
export async function openJudgedTree(
  ops: Pick<OpsMetrics, 'setGauge'>,
  repository: string,
): Promise<JudgedTree> {
  const ask = () => repositoryState(repository).catch(() => null)
  const start = await ask()
  let dirty = start === null || start.dirty
  const show = () => {
    if (start !== null) ops.setGauge('sonia_build_dirty', {}, dirty ? 1 : 0)
  }
  const look = async () => {
    const now = await ask()
    // Another commit was not judged either: the services and criteria came from the first one.
    dirty ||= now === null || now.dirty || now.commit !== start?.commit
    show()
  }
  show()
  return {
    look,
    async described() {
      await look()
      return { ...(start ?? (await repositoryState(repository))), dirty }
    },
  }
}
