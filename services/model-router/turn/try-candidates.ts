import { ServiceError } from '#chassis/errors.ts'
import { type Candidate, type Now, unavailability } from '../choice/candidate.ts'
import type { ReasonCode } from '../choice/reason-codes.ts'
import { BrokenAnswer, UpstreamFault } from '../upstream-fault.ts'
import type { Choice, TurnObserver } from './turn.ts'

export interface Trial<T> {
  readonly candidates: readonly Candidate[]
  /** Why not the first one, where that is known already. */
  readonly reason?: ReasonCode
  readonly observer: TurnObserver
  readonly now: () => Now
  /** Throws UpstreamFault to send the request to the next candidate; anything else ends the trial. */
  readonly attempt: (choice: Choice) => Promise<T>
}

/** Asks the candidates in order until one answers. Nothing has reached the client when this moves on. */
export async function tryCandidates<T>(trial: Trial<T>): Promise<{ choice: Choice; value: T }> {
  let reason = trial.reason ?? null
  let faults = 0
  for (const candidate of trial.candidates) {
    const unavailable = unavailability(candidate, trial.now())
    if (unavailable !== null) {
      trial.observer.passedOver(candidate, unavailable)
      reason ??= unavailable
      continue
    }
    const choice: Choice = { candidate, reason: reason ?? 'PROFILE_MATCH' }
    try {
      const value = await trial.observer.attempt(choice, () =>
        candidate.guard.run(() => trial.attempt(choice)),
      )
      return { choice, value }
    } catch (error) {
      if (error instanceof BrokenAnswer) throw brokenTrial(error, choice, trial)
      if (isUnasked(error)) trial.observer.passedOver(candidate, 'PROVIDER_UNHEALTHY')
      else noteFault(error, choice, trial)
      reason ??= isUnasked(error) ? 'PROVIDER_UNHEALTHY' : 'FALLBACK_USED'
      faults++
    }
  }
  trial.observer.nobody(faults)
  throw nobodyAnswers(trial)
}

/** A broken answer together with who was giving it. */
export class BrokenTrial extends Error {
  override readonly name = 'BrokenTrial'
  readonly choice: Choice
  readonly fault: UpstreamFault

  constructor(choice: Choice, fault: UpstreamFault) {
    super(fault.message, { cause: fault })
    this.choice = choice
    this.fault = fault
  }
}

function brokenTrial<T>({ fault }: BrokenAnswer, choice: Choice, trial: Trial<T>): BrokenTrial {
  trial.observer.failed(choice, fault)
  return new BrokenTrial(choice, fault)
}

/** Breaker open or all places taken: the provider was not even asked. */
function isUnasked(error: unknown): boolean {
  return error instanceof UpstreamFault && (error.kind === 'breaker_open' || error.kind === 'busy')
}

function noteFault<T>(error: unknown, choice: Choice, trial: Trial<T>): void {
  if (!(error instanceof UpstreamFault)) throw error
  trial.observer.failed(choice, error)
  choice.candidate.quarantine.note(error, trial.now().monotonicMs)
  if (error.kind === 'rejected') {
    // The request itself is at fault; another provider would only say the same.
    throw new ServiceError('INVALID_ARGUMENT', 'The model provider rejected the request', {
      cause: error,
      details: { provider: choice.candidate.provider.id },
    })
  }
}

function nobodyAnswers<T>(trial: Trial<T>): ServiceError {
  const { monotonicMs } = trial.now()
  const rests = trial.candidates.map(({ quarantine }) => quarantine.untilMs(monotonicMs) - monotonicMs)
  const soonestMs = Math.min(...rests.filter((restMs) => restMs > 0))
  return new ServiceError('UNAVAILABLE', 'No model provider can answer now', {
    details: { reason_code: 'NO_PROVIDER' },
    ...(Number.isFinite(soonestMs) ? { retryAfterSeconds: Math.ceil(soonestMs / 1000) } : {}),
  })
}
