import { outputOf, type ProcessResult, runProcess } from './run-process.ts'

/** As the objects are stored: a local replacement of an object, or a hook that says nothing changed, speaks for nobody. */
const AS_STORED = [
  '--no-replace-objects',
  ...[
    'core.fsmonitor=false',
    'core.untrackedCache=false',
    'core.trustctime=true',
    'core.checkStat=default',
  ].flatMap((setting) => ['-c', setting]),
]

/** Git's answer about a repository as it is stored. */
export function askGit(folder: string, args: readonly string[]): Promise<ProcessResult> {
  return runProcess('git', [...AS_STORED, ...args], { cwd: folder })
}

/** The same where it must succeed. */
export function tellGit(folder: string, args: readonly string[]): Promise<string> {
  return outputOf('git', [...AS_STORED, ...args], { cwd: folder })
}

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
  const shown = await tellGit(folder, ['log', '-1', '--no-show-signature', '--format=%H%n%T%n%ae%n%ce'])
  const [commit, tree, author, committer] = shown.trimEnd().split('\n')
  if (commit === undefined || tree === undefined || author === undefined || committer === undefined)
    throw new Error('git log did not name a commit')
  const email = await askGit(folder, ['config', 'user.email'])
  return {
    commit,
    tree,
    dirty: await isDirty(folder),
    authorEmails: [...new Set([author, committer])],
    userEmail: email.exitCode === 0 ? email.stdout.toString('utf8').trim() : null,
  }
}

/** Anything that the commit does not hold, also where this clone alone was told to look away from it. */
async function isDirty(folder: string): Promise<boolean> {
  const changed = await tellGit(folder, ['status', '--porcelain', '--untracked-files=normal'])
  if (changed.trim() !== '') return true
  // Files assumed unchanged have a small letter, files left out an S: git does not compare them.
  const marks = await tellGit(folder, ['ls-files', '-v', '-z'])
  if (/(?:^|\0)[a-zS]/u.test(marks)) return true
  const ignoredHereOnly = [
    '--others',
    '--exclude-per-directory=.gitignore',
    '--directory',
    '--no-empty-directory',
  ]
  return (await tellGit(folder, ['ls-files', ...ignoredHereOnly])) !== ''
}
