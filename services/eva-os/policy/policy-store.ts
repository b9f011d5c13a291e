import type { Policy } from './judge.ts'
import { DENY_ALL, folderSignature, readPolicyFolder } from './read-folder.ts'

export interface PolicyStore {
  /** The policy in force. Looks at the files first, so that a change holds from the next call on. */
  readonly current: () => Policy
  /** Why the files on the disk are not in force; empty where they are. */
  readonly problems: () => readonly string[]
}

export interface PolicyWatcher {
  readonly onChanged: (policy: Policy) => void
  readonly onRejected: (problems: readonly string[]) => void
  /** The files are good again and say what is in force already. */
  readonly onMended: () => void
}

/** Keeps the last good policy while the files are bad; without a good one, or without any file, denies everything. */
export function createPolicyStore(
  source: { readonly folder: string; readonly owners: readonly number[] },
  watcher: PolicyWatcher,
): PolicyStore {
  let policy = DENY_ALL
  let problems: readonly string[] = []
  let signature: string | undefined
  let isLoaded = false

  const reject = (found: readonly string[]) => {
    const isNews = found.join('\n') !== problems.join('\n')
    problems = found
    if (isNews) watcher.onRejected(found)
  }
  const accept = (next: Policy) => {
    const isNews = next.version !== policy.version
    policy = next
    problems = []
    if (next.rules.length === 0) reject(['there is no policy rule: every call is denied'])
    else if (isNews) watcher.onChanged(next)
    else watcher.onMended()
  }
  const load = () => {
    const read = readPolicyFolder(source.folder, source.owners)
    if (read.ok) accept(read.files.length === 0 ? DENY_ALL : read.policy)
    else reject(read.problems)
  }
  return {
    current() {
      const found = folderSignature(source.folder)
      if (!isLoaded || found !== signature) {
        load()
        signature = found
        isLoaded = true
      }
      return policy
    },
    problems: () => problems,
  }
}
