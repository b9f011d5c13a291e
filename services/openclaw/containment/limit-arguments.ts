import type { ContainedCommand, ContainedUser } from './contained-command.ts'

/** Words in front of a program that lower its rights and set its kernel limits. */
export function limitArguments(
  tools: { readonly prlimit: string; readonly setpriv: string },
  user: ContainedUser | null,
  { limits, cpuSecondsMax }: Pick<ContainedCommand, 'limits' | 'cpuSecondsMax'>,
): readonly string[] {
  const limit = [
    tools.prlimit,
    `--as=${limits.memoryBytesMax}`,
    `--nproc=${limits.processesMax}`,
    `--fsize=${limits.fileBytesMax}`,
    `--nofile=${limits.openFilesMax}`,
    `--cpu=${cpuSecondsMax}`,
    '--core=0',
    '--',
  ]
  if (user === null) return limit
  const becomeUser = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  const dropRights = ['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']
  return [tools.setpriv, ...becomeUser, ...dropRights, ...limit]
}
