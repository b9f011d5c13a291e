import { SERVICE_NAMES } from '#catalog'
import type { Parameters } from './engine/types.ts'
import type { Profile } from './profiles.ts'

/** Fewest integration tests that count as evidence. */
const TESTS_MIN = 40

/** Seconds of observation that a gate promises under a profile; 0 where it counts events, not time. */
export function plannedSecondsOf(gate: string, profile: Profile): number {
  if (gate === 'soak') return profile.soakSeconds
  if (gate === 'go-no-go') return profile.healthRounds * profile.healthIntervalSeconds
  return 0
}

/** What the criteria of our own gates may use besides the window: fixed by the profile before the run. */
export function runParameters(profile: Profile): Parameters {
  const { soakSeconds } = profile
  return {
    PROFILE: profile.name,
    S: profile.scrapeSeconds,
    JOB: 'sonia',
    SERVICES: SERVICE_NAMES,
    SERVICE_COUNT: SERVICE_NAMES.length,
    CYCLES: profile.cycles,
    HEALTH_ROUNDS: profile.healthRounds,
    HEALTH_CHECKS: profile.healthRounds * SERVICE_NAMES.length,
    TEST_RUNS: profile.testRuns,
    TESTS_MIN,
    SOAK_SECONDS: soakSeconds,
    PLANNED_CHAT: Math.round(profile.chatPerSecond * soakSeconds),
    PLANNED_ACTION: Math.round(profile.actionPerSecond * soakSeconds),
    PLANNED_VOICE: Math.round(profile.voicePerSecond * soakSeconds),
  }
}
