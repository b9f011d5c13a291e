import { SANDBOX_MOUNT } from '../files/path-name.ts'
import type { ContainedUser, Containment } from './contained-command.ts'
import { limitArguments } from './limit-arguments.ts'

const SANDBOX_DESCRIPTOR = 3
const PROGRAM_DESCRIPTOR = 4

export interface BubblewrapTools {
  readonly bwrap: string
  readonly prlimit: string
  readonly setpriv: string
}

/**
 * Containment by bubblewrap. The program sees read-only system folders, a private /tmp, a minimal /dev, its own
 * /proc and the sandbox. Sandbox and program are bound by descriptor: swapping their paths changes nothing.
 */
export function bubblewrap(tools: BubblewrapTools, user: ContainedUser | null): Containment {
  const fixed = [...namespaceArguments(user), ...MOUNT_ARGUMENTS]
  return {
    kind: 'bubblewrap',
    plan: (command) => {
      const [path] = command.argv
      const binds = bindArguments([path], [SANDBOX_MOUNT, ...command.folder].join('/'))
      return {
        file: tools.bwrap,
        args: [...fixed, ...binds, '--', ...limitArguments(tools, user, command), ...command.argv],
        descriptors: [command.rootFd, command.programFd],
      }
    },
    planSpare: (spare) => {
      const binds = bindArguments(
        spare.programs.map(({ path }) => path),
        SANDBOX_MOUNT,
      )
      return {
        file: tools.bwrap,
        args: [
          ...fixed,
          ...binds,
          '--',
          ...limitArguments(tools, user, spare),
          '/bin/sh',
          '-c',
          spare.script,
        ],
        descriptors: [spare.rootFd, ...spare.programs.map(({ fd }) => fd)],
      }
    },
  }
}

function namespaceArguments(user: ContainedUser | null): readonly string[] {
  const common = ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try']
  const lifetime = ['--die-with-parent', '--new-session', '--hostname', 'sandbox']
  // Root needs no user namespace, and must not have one of a single user: process limits do not bind root,
  // so the program gets another user, and only the capabilities to become it, and to
  // enter that user's folder before.
  const capabilities = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_DAC_READ_SEARCH'].flatMap((name) => [
    '--cap-add',
    name,
  ])
  return user === null
    ? ['--unshare-user', ...common, ...lifetime, '--cap-drop', 'ALL']
    : [...common, ...lifetime, '--cap-drop', 'ALL', ...capabilities]
}

/** System folders, read-only. No /etc, /home, /root, /var, /run: nothing of the host that holds a secret. */
const MOUNTS = [
  '--ro-bind /usr /usr',
  '--symlink usr/bin /bin',
  '--symlink usr/sbin /sbin',
  '--symlink usr/lib /lib',
  '--symlink usr/lib64 /lib64',
  '--size 67108864 --perms 1777 --tmpfs /tmp',
  // Each of these costs a mount, so a program gets the devices that programs need, not a whole /dev.
  '--perms 0755 --dir /dev',
  '--dev-bind /dev/null /dev/null',
  '--dev-bind /dev/zero /dev/zero',
  '--dev-bind /dev/urandom /dev/urandom',
  '--symlink /proc/self/fd /dev/fd',
  '--proc /proc',
]

const MOUNT_ARGUMENTS: readonly string[] = MOUNTS.flatMap((mount) => mount.split(' '))

/** Programs are bound from the descriptors that follow the sandbox's, in their order. */
function bindArguments(programs: readonly string[], folder: string): readonly string[] {
  const sandbox = ['--bind-fd', String(SANDBOX_DESCRIPTOR), SANDBOX_MOUNT]
  const bound = programs.flatMap((path, at) => ['--ro-bind-fd', String(PROGRAM_DESCRIPTOR + at), path])
  // Read-only only now: the mount points above had to be made in it.
  return [...sandbox, ...bound, '--remount-ro', '/', '--chdir', folder]
}
