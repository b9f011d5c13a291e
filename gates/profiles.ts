import { CliError, EXIT_CODES } from './exit-codes.ts'

/** How long and how hard a run tries. All lengths in seconds, all rates per second. */
export interface Profile {
  readonly name: ProfileName
  readonly cycles: number
  readonly healthRounds: number
  readonly healthIntervalSeconds: number
  /** Before gate 2; one more follows gate 5. */
  readonly testRuns: number
  readonly soakSeconds: number
  /** After the load; longer than a voice session waits for a client that hung up to come back. */
  readonly drainSeconds: number
  readonly chatPerSecond: number
  readonly actionPerSecond: number
  readonly voicePerSecond: number
  readonly scrapeSeconds: number
  /** SIGKILLs under writes, and disks rebuilt as a power loss would leave them. */
  readonly kills: number
  /** SIGKILLs of eva-os under approvals, and as many of pipecat under sessions. */
  readonly stateKills: number
  readonly powerLossImages: number
  /** Of each race between a check and its use. */
  readonly raceIterations: number
  /** Load under which service keys are exchanged. */
  readonly rotationSeconds: number
  /** Only such a run may become release evidence. */
  readonly isRelease: boolean
}

export const PROFILE_NAMES = ['ci', 'smoke', 'rehearsal', 'release'] as const
export type ProfileName = (typeof PROFILE_NAMES)[number]

const DRAIN_SECONDS = 35

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  ci: {
    name: 'ci',
    cycles: 2,
    healthRounds: 10,
    healthIntervalSeconds: 1,
    testRuns: 2,
    soakSeconds: 45,
    drainSeconds: DRAIN_SECONDS,
    chatPerSecond: 15,
    actionPerSecond: 2,
    voicePerSecond: 30 / 60,
    scrapeSeconds: 1,
    kills: 5,
    stateKills: 3,
    powerLossImages: 10,
    raceIterations: 200,
    rotationSeconds: 10,
    isRelease: false,
  },
  smoke: {
    name: 'smoke',
    cycles: 3,
    healthRounds: 12,
    healthIntervalSeconds: 5,
    testRuns: 2,
    soakSeconds: 5 * 60,
    drainSeconds: DRAIN_SECONDS,
    chatPerSecond: 5,
    actionPerSecond: 2,
    voicePerSecond: 30 / 60,
    scrapeSeconds: 1,
    kills: 5,
    stateKills: 3,
    powerLossImages: 10,
    raceIterations: 200,
    rotationSeconds: 20,
    isRelease: false,
  },
  rehearsal: {
    name: 'rehearsal',
    cycles: 10,
    healthRounds: 60,
    healthIntervalSeconds: 5,
    testRuns: 2,
    soakSeconds: 3600,
    drainSeconds: DRAIN_SECONDS,
    chatPerSecond: 2,
    actionPerSecond: 1,
    voicePerSecond: 10 / 60,
    scrapeSeconds: 5,
    kills: 100,
    stateKills: 50,
    powerLossImages: 200,
    raceIterations: 10_000,
    rotationSeconds: 60,
    isRelease: false,
  },
  release: {
    name: 'release',
    cycles: 10,
    healthRounds: 360,
    healthIntervalSeconds: 5,
    testRuns: 2,
    soakSeconds: 48 * 3600,
    drainSeconds: DRAIN_SECONDS,
    chatPerSecond: 1,
    actionPerSecond: 0.5,
    voicePerSecond: 5 / 60,
    scrapeSeconds: 15,
    kills: 100,
    stateKills: 50,
    powerLossImages: 200,
    raceIterations: 10_000,
    rotationSeconds: 60,
    isRelease: true,
  },
}

export const DEFAULT_PROFILE: ProfileName = 'smoke'

export function profileNamed(name: string): Profile {
  const known = PROFILE_NAMES.find((candidate) => candidate === name)
  if (known !== undefined) return PROFILES[known]
  throw new CliError(EXIT_CODES.badUsage, `there is no profile "${name}"`, {
    hint: `one of: ${PROFILE_NAMES.join(', ')}`,
  })
}
