import { outputOf, runProcess } from './run-process.ts'

/** What git says of the tree that was judged. */
export interface RepositoryState {
  readonly commit: string
  readonly tree: string
  readonly dirty: boolean
  /** Author and committer of the commit: neither may sign it off. */
  readonly authorEmails: readonly string[]
  /** Who is configured to work here; null where git knows nobody. */
  readonly userEmail: string | null
}

export async function repositoryState(folder: string): Promise<RepositoryState> {
  const at = { cwd: folder }
  const shown = await outputOf('git', ['log', '-1', '--no-show-signature', '--format=%H%n%T%n%ae%n%ce'], at)
  const [commit, tree, author, committer] = shown.trimEnd().split('\n')
  if (commit === undefined || tree === undefined || author === undefined || committer === undefined)
    throw new Error('git log did not name a commit')
  const changed = await outputOf('git', ['status', '--porcelain', '--untracked-files=normal'], at)
  const email = await runProcess('git', ['config', 'user.email'], at)
  return {
    commit,
    tree,
    dirty: changed.trim() !== '',
    authorEmails: [...new Set([author, committer])],
    userEmail: email.exitCode === 0 ? email.stdout.toString('utf8').trim() : null,
  }
}
