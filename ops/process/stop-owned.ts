import { setTimeout as delay } from 'node:timers/promises'
import { type ProcessIdentity, readBootId, signalIdentity } from './identity.ts'
import type { OwnedProcess } from './spawn-owned.ts'

/** How long SIGKILL may take before the process counts as not stoppable (it sits in the kernel). */
const KILL_WAIT_MS = 5_000

export interface StopOutcome {
  readonly name: string
  /** True when SIGTERM was not enough. */
  readonly killed: boolean
}

/** SIGTERM, grace, SIGKILL to the whole process group. */
export async function stopOwned(target: OwnedProcess, graceMs: number): Promise<StopOutcome> {
  if (target.exit() !== undefined) return { name: target.name, killed: false }
  signalIdentity(target.identity, 'SIGTERM')
  // A stopped process acts on nothing but SIGKILL until it is continued.
  signalIdentity(target.identity, 'SIGCONT')
  if (await within(target.exited, graceMs)) return { name: target.name, killed: false }
  killGroup(target.identity)
  await within(target.exited, KILL_WAIT_MS)
  return { name: target.name, killed: true }
}

/** SIGKILL to the whole group that the process leads or led; members keep its number from being reused. */
export function killGroup(leader: ProcessIdentity): void {
  if (leader.boot_id !== readBootId()) return
  try {
    process.kill(-leader.pid, 'SIGKILL')
  } catch {
    // Nobody is left in the group.
  }
}

async function within(done: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController()
  try {
    return await Promise.race([
      done.then(() => true),
      delay(timeoutMs, false, { signal: timer.signal }).catch(() => false),
    ])
  } finally {
    timer.abort()
  }
}
