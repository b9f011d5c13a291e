import { SERVICE_NAMES } from '#catalog'
import { DAMAGES } from './durability/damage.ts'
import type { Parameters } from './engine/types.ts'
import { ERROR_CASES } from './observability/error-cases.ts'
import { REQUEST_KINDS, REQUESTS } from './observability/known-requests.ts'
import { dashboardQueryCount } from './observability/dashboards.ts'
import { DRILL_SECONDS, drillScope } from './observability/drill-scope.ts'
import type { Profile } from './profiles.ts'

/** Fewest integration tests that count as evidence. */
const TESTS_MIN = 40

/** Iterations each scenario of the load owes under a profile. */
export function plannedIterations(profile: Profile): Readonly<Record<'chat' | 'action' | 'voice', number>> {
  const { soakSeconds } = profile
  return {
    chat: Math.round(profile.chatPerSecond * soakSeconds),
    action: Math.round(profile.actionPerSecond * soakSeconds),
    voice: Math.round(profile.voicePerSecond * soakSeconds),
  }
}

/** Seconds of observation that a gate promises under a profile; 0 where it counts events, not time. */
export function plannedSecondsOf(gate: string, profile: Profile): number {
  if (gate === 'soak') return profile.soakSeconds
  if (gate === 'observability') return DRILL_SECONDS[drillScope(profile)]
  if (gate === 'go-no-go') return profile.healthRounds * profile.healthIntervalSeconds
  return 0
}

/** Runs of the integration tests: those of gate 1, and one more after gate 5 where both are run and compared. */
export function plannedTestRuns(profile: Profile, gates: readonly string[]): number {
  const isLater = gates.includes('determinism') && gates.includes('observability')
  return profile.testRuns + (isLater ? 1 : 0)
}

/** What the criteria of our own gates may use besides the window: fixed by the profile before the run. */
export function runParameters(profile: Profile, testRuns: number = profile.testRuns): Parameters {
  const planned = plannedIterations(profile)
  return {
    PROFILE: profile.name,
    IS_RELEASE: profile.isRelease ? 1 : 0,
    S: profile.scrapeSeconds,
    JOB: 'sonia',
    SERVICES: SERVICE_NAMES,
    SERVICE_COUNT: SERVICE_NAMES.length,
    CYCLES: profile.cycles,
    HEALTH_ROUNDS: profile.healthRounds,
    HEALTH_CHECKS: profile.healthRounds * SERVICE_NAMES.length,
    TEST_RUNS: testRuns,
    RUNS: Array.from({ length: testRuns }, (_, index) => `run-${index + 1}`),
    TRAFFIC: profile.cycles * SERVICE_NAMES.length,
    STARTS: profile.cycles + 1,
    TESTS_MIN,
    SOAK_SECONDS: profile.soakSeconds,
    DRAIN: profile.drainSeconds,
    PLANNED_CHAT: planned.chat,
    PLANNED_ACTION: planned.action,
    PLANNED_VOICE: planned.voice,
    KILLS: profile.kills,
    STATE_KILLS: profile.stateKills,
    POWER_LOSSES: profile.powerLossImages,
    DAMAGES: DAMAGES.length,
    KNOWN_REQUESTS: REQUESTS,
    ERROR_CASES: ERROR_CASES.length,
    DASHBOARD_QUERIES: dashboardQueryCount(),
    LOOK_UPS: REQUEST_KINDS.length,
  }
}
