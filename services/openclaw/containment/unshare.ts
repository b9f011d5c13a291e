import { SANDBOX_MOUNT } from '../files/path-name.ts'
import type { ContainedUser, Containment } from './contained-command.ts'
import { limitArguments } from './limit-arguments.ts'

export interface UnshareTools {
  readonly unshare: string
  readonly sh: string
  readonly prlimit: string
  readonly setpriv: string
  /** Any existing folder that holds neither sandbox nor programs; a tmpfs that nobody else sees covers it. */
  readonly mountPoint: string
}

const NAMESPACES = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL']
const ENTER_ROOT = `${import.meta.dirname}/enter-root.sh`

/** Containment without bubblewrap: the same root, built by a constant script inside new namespaces. */
export function unshare(tools: UnshareTools, user: ContainedUser | null): Containment {
  const namespaces = user === null ? ['--user', '--map-root-user', ...NAMESPACES] : NAMESPACES
  return {
    kind: 'unshare',
    planSpare: null,
    plan: (command) => ({
      file: tools.unshare,
      args: [
        ...namespaces,
        '--',
        tools.sh,
        ENTER_ROOT,
        tools.mountPoint,
        command.argv[0],
        [SANDBOX_MOUNT, ...command.folder].join('/'),
        ...dropRights(tools, user),
        ...limitArguments(tools, user, command),
        ...command.argv,
      ],
      descriptors: [command.rootFd, command.programFd],
    }),
  }
}

/** In a user namespace the program would keep all rights over that namespace. */
function dropRights({ setpriv }: UnshareTools, user: ContainedUser | null): readonly string[] {
  if (user !== null) return []
  return [setpriv, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']
}
