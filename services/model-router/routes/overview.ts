import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import type { Candidate } from '../choice/candidate.ts'
import { unavailability } from '../choice/candidate.ts'
import { profileOfTask, TASK_TYPES } from './task-types.ts'
import { now, type TurnParts } from './turns.ts'

/** What there is to choose from, and what would be chosen now. */
export function registerOverview(app: SoniaApp, parts: TurnParts): void {
  const { router } = parts
  const readNow = now(parts.clock)

  app.get('/v1/models', () => ({ object: 'list', data: modelList(parts) }))

  app.get('/providers', () => ({
    providers: router.providers.map(({ id, kind }) => ({
      id,
      kind,
      ...(kind === 'embedded' ? { stand_in: true } : {}),
      models: [...router.candidates, ...router.embeddingCandidates]
        .filter(({ provider }) => provider.id === id)
        .map((candidate) => describeCandidate(candidate, parts)),
    })),
  }))

  app.get('/profiles', () => ({
    default: router.profiles.plan({}).profile.name,
    profiles: router.profiles.all.map(({ name, settings, candidates }) => ({
      name,
      ...settings,
      candidates: candidates.map(({ id }) => id),
    })),
  }))

  app.route({
    method: 'GET',
    url: '/route',
    schema: {
      querystring: Type.Object({ task_type: Type.Enum(TASK_TYPES) }, { additionalProperties: false }),
    },
    handler(request) {
      const { task_type: taskType } = request.query
      const profile = router.profiles.get(profileOfTask(taskType))
      const states = profile.candidates.map((candidate) => ({
        candidate,
        reason:
          candidate.guard.state() === 'open' ? 'PROVIDER_UNHEALTHY' : unavailability(candidate, readNow()),
      }))
      const chosen = states.find(({ reason }) => reason === null)
      return {
        task_type: taskType,
        profile: profile.name,
        provider: chosen?.candidate.provider.id ?? null,
        model: chosen?.candidate.modelName ?? null,
        reason_code: chosen === undefined ? 'NO_PROVIDER' : (states[0]?.reason ?? 'PROFILE_MATCH'),
        candidates: states.map(({ candidate, reason }) => ({ id: candidate.id, unavailable: reason })),
      }
    },
  })
}

function modelList({ router }: TurnParts) {
  const entry = (id: string, ownedBy: string) => ({ id, object: 'model', created: 0, owned_by: ownedBy })
  return [
    entry('sonia', 'sonia'),
    ...router.profiles.all.map(({ name }) => entry(name, 'sonia')),
    ...[...router.candidates, ...router.embeddingCandidates].map(({ id, provider }) =>
      entry(id, provider.id),
    ),
  ]
}

function describeCandidate(candidate: Candidate, { clock }: TurnParts) {
  const monotonicMs = clock.monotonicMs()
  const restUntilMs = candidate.quarantine.untilMs(monotonicMs)
  const { usd, tokens } = candidate.budget.spent(clock.nowMs())
  return {
    model: candidate.modelName,
    purpose: candidate.model.purpose,
    breaker: candidate.guard.state(),
    in_flight: candidate.guard.inFlight(),
    quarantined_ms: restUntilMs === 0 ? 0 : Math.ceil(restUntilMs - monotonicMs),
    budget_exceeded: candidate.budget.isExceeded(clock.nowMs()),
    provider_spent_today: { usd, tokens },
  }
}
