import type { ChildProcess } from 'node:child_process'

/** Kills a process and all of its group; the first process of a contained one takes its whole namespace with it. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // ESRCH: the group is empty, which is what was wanted.
  }
}
