import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceName } from '#catalog'
import { pause } from '../runners/gate-context.ts'
import { askService } from '../runners/service-access.ts'
import type { Killable, KillContext } from './drill-needs.ts'

const LOOK_EVERY_MS = 25
/** Half a minute of looking. Looks are counted, not time: a machine that stood still is no service that stayed away. */
const LOOKS_MAX = 1200

/** SIGKILL, and patience until the supervisor has brought the service back; false where it did not. */
export async function killService(
  context: KillContext,
  stack: Killable,
  service: ServiceName,
): Promise<boolean> {
  const before = startOf(stack, service)
  stack.kill(service, 'SIGKILL')
  return untilTrue(context, async () => {
    if (startOf(stack, service) === before) return false
    const { status } = await askService(context, service, { path: '/readyz', timeoutMs: 2000 })
    return status === 200
  })
}

function startOf(stack: Killable, service: ServiceName): number | undefined {
  return stack.processes.find((entry) => entry.service === service)?.identity.pid
}

/** Asks until it is so, at most for the time a service may need to start; an error counts as not yet. */
export async function untilTrue(context: KillContext, ask: () => Promise<boolean>): Promise<boolean> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    if (await ask().catch(() => false)) return true
    await pause(context, LOOK_EVERY_MS)
  }
  return false
}

const TRIES_MAX = 6
const TRY_AGAIN_MS = 250

/** For requests that may be repeated: a machine that stood still lets one run into its time-out. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      if (tries === TRIES_MAX) throw error
      await delay(TRY_AGAIN_MS)
    }
  }
}
