import type { OpsClock } from './host.ts'
import { type PortHolder, takenPorts } from './process/listening-ports.ts'
import { type ProcessIdentity, isAlive, signalIdentity } from './process/identity.ts'
import { remainsOf, type RunMark } from './process/run-processes.ts'
import { waitUntil } from './wait-until.ts'

/** What the stop of a run left behind, as found by looking, not by asking. */
export interface StopProof {
  /** Processes of the run that outlived it; they are killed after they were written down. */
  readonly leftovers: readonly ProcessIdentity[]
  readonly zombies: readonly ProcessIdentity[]
  readonly portsBusy: readonly PortHolder[]
}

/** init needs a moment to reap orphans, and some only look every two seconds; whatever is there after this counts. */
const SETTLE_MS = 5_000
const SETTLE_INTERVAL_MS = 20

export interface ProofOptions {
  readonly mark: RunMark
  /** Census taken before the stop. */
  readonly before: readonly ProcessIdentity[]
  readonly ports: readonly number[]
  readonly clock: OpsClock
}

/** Looks until nothing is left or the settling time is over, then kills what is left. */
export async function proveStopped(options: ProofOptions): Promise<StopProof> {
  let proof = look(options)
  await waitUntil(
    () => {
      proof = look(options)
      return isClean(proof) ? true : undefined
    },
    { clock: options.clock, timeoutMs: SETTLE_MS, intervalMs: SETTLE_INTERVAL_MS },
  )
  for (const identity of proof.leftovers) signalIdentity(identity, 'SIGKILL')
  const gone = () => (proof.leftovers.some(isAlive) ? undefined : true)
  await waitUntil(gone, { clock: options.clock, timeoutMs: SETTLE_MS, intervalMs: SETTLE_INTERVAL_MS })
  return proof
}

export function isClean(proof: StopProof): boolean {
  return proof.leftovers.length === 0 && proof.zombies.length === 0 && proof.portsBusy.length === 0
}

function look(options: ProofOptions): StopProof {
  const remains = remainsOf(options.mark, options.before)
  return { leftovers: remains.alive, zombies: remains.zombies, portsBusy: takenPorts(options.ports) }
}
