import { SERVICE_NAMES } from '#catalog'
import type { Parameters } from '../../engine/types.ts'
import { PROFILES } from '../../profiles.ts'
import { runParameters } from '../../run-parameters.ts'

/** How often each check of a gate passes when nothing is wrong. */
export type Checks = Readonly<Record<string, number>>

const PROFILE = PROFILES.smoke
export const SECONDS = 1800
export const PARAMETERS = { ...runParameters(PROFILE), S: 15, IS_RELEASE: 1 }
const STARTS = PROFILE.cycles + 1
const owed = (name: string) => Number((PARAMETERS as Parameters)[name] ?? 0)
const once = (...checks: readonly string[]): Checks => Object.fromEntries(checks.map((check) => [check, 1]))
export const TESTS = 45
const TEST_NAMES = Array.from({ length: TESTS }, (_, index) => `at-${index + 1} a test`)

/** As few attacks and benign calls as the criteria take. */
const ATTACKS = 200
const DOORS = 20
const BENIGN = 16

/** Iterations that a plan asked for, by gate and scenario. */
export const PLANNED: Readonly<Record<string, Checks>> = {
  security: { 'security-cases': ATTACKS + DOORS + BENIGN },
}

/** How many seconds an observation took when nothing is wrong, and how many are too many. */
export const DURATIONS: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> = {
  durability: { restore: [3, 301], 'restored-start': [2, 121], health: [1, 61] },
  observability: { page: [3, 10.5] },
}

/** By gate, as its runner counts them. */
export const SOUND: Readonly<Record<string, Checks>> = {
  'go-no-go': {
    cycle: PROFILE.cycles,
    start: STARTS,
    traffic: PROFILE.cycles * SERVICE_NAMES.length,
    'no-sigkill': STARTS,
    drained: STARTS,
    'no-leftovers': STARTS,
    'no-zombies': STARTS,
    'ports-free': STARTS,
    health: PROFILE.healthRounds * SERVICE_NAMES.length,
    'health-tick': PROFILE.healthRounds,
    artefact: 2,
  },
  determinism: {
    'run-1': TESTS,
    'run-2': TESTS,
    complete: PROFILE.testRuns,
    ...Object.fromEntries(TEST_NAMES.map((name) => [name, PROFILE.testRuns])),
  },
  security: {
    attack: ATTACKS,
    door: DOORS,
    benign: BENIGN,
    ...once('start', 'identical', 'rotation', 'preflight', 'planted-secret'),
  },
  durability: {
    ...once('start', 'backup', 'restore', 'restored-start', 'row', 'search', 'control'),
    ...once('ledger', 'approval-ledger', 'restarts', 'mistake-policies', 'mistake-configuration'),
    ...once('full-disk', 'second-disk'),
    'approval-kill': owed('STATE_KILLS'),
    'session-kill': owed('STATE_KILLS'),
    health: SERVICE_NAMES.length,
    kill: PROFILE.kills,
    image: PROFILE.powerLossImages,
    damage: owed('DAMAGES'),
  },
  observability: {
    answered: owed('KNOWN_REQUESTS'),
    request: owed('KNOWN_REQUESTS'),
    ...Object.fromEntries(SERVICE_NAMES.map((service) => [`log-lines ${service}`, 1])),
    exemplar: 1,
    'exemplar-route': SERVICE_NAMES.length,
    'error-code': owed('ERROR_CASES'),
    dashboard: owed('DASHBOARD_QUERIES'),
    'logs-command': owed('LOOK_UPS'),
    'trace-command': owed('LOOK_UPS'),
    alert: SERVICE_NAMES.length,
    ...once('alert-rules', 'inhibition', 'retry', 'annotations', 'watchdog'),
  },
  'release-lock': once(
    'locked-without-policy',
    'locked-without-sign-offs',
    'self-sign-off-refused',
    'wrong-role-refused',
    'one-person-twice-refused',
    'veto-locks',
    'real-release-refused',
    'sealed',
    'seed-files',
    'tags-signed',
    'second-clone-accepts',
    'stranger-refused',
    'changed-bit-refused',
    'moved-tag-refused',
  ),
}
