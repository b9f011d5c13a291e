import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { ServiceName } from '#catalog'
import { repositoryPrograms, type ServicePrograms } from '#ops/service-programs.ts'
import type { GateResult, Verdict } from '#gates/engine/types.ts'
import { hostForTest } from '#gates/host-for-test.ts'
import { type Profile, PROFILES } from '#gates/profiles.ts'
import { silentProgress } from '#gates/runners/progress.ts'
import { type GateRunOptions, withGateRun } from '#gates/runners/run-gates.ts'
import { reservePortBase } from '../reserve-port-base.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** Shorter than any profile of the product: a planted failure shows at once. */
const SHORT: Profile = {
  ...PROFILES.ci,
  cycles: 1,
  healthRounds: 3,
  soakSeconds: 15,
  drainSeconds: 4,
  voicePerSecond: 12 / 60,
}

export interface PlantedRun extends Pick<GateRunOptions, 'planted' | 'watchOptions'> {
  readonly gate: string
  readonly profile?: Partial<Profile>
}

/** Runs one gate over the real stack with a failure planted, and returns its judgement. */
export async function runPlanted(plant: PlantedRun): Promise<GateResult> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-planted-'))
  try {
    return await withGateRun(gateRunOptionsForTest(plant, home), ({ judgement }) => {
      const [result] = judgement.verdict.gates
      if (result === undefined) throw new Error('no gate was judged')
      return Promise.resolve(result)
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** Options of a run of one gate in a folder of its own. */
export function gateRunOptionsForTest(
  { gate, profile, ...plants }: PlantedRun,
  home: string,
): GateRunOptions {
  return {
    profile: { ...SHORT, ...profile },
    gates: [gate],
    keepGoing: true,
    home,
    portBase: PORT_BASE,
    runId: `planted-${process.pid}-${Date.now()}`,
    host: hostForTest([], env),
    progress: silentProgress,
    criteriaFolder: join(REPOSITORY, 'gates', 'criteria'),
    configurationSources: [join(REPOSITORY, 'config')],
    ...plants,
  }
}

/** Ports of the runs of one file; they follow each other. */
export const PORT_BASE = await reservePortBase()

/** The product's services, some of them misbehaving. */
export function misbehaving(planted: Partial<Record<ServiceName, string>>): ServicePrograms {
  const real = repositoryPrograms(REPOSITORY)
  return (service) => {
    const { command, args } = real(service)
    const misbehaviour = planted[service]
    if (misbehaviour === undefined) return { command, args }
    return {
      command: 'env',
      args: [
        `PLANTED_MISBEHAVIOUR=${misbehaviour}`,
        command,
        '--import',
        join(HERE, 'misbehave.ts'),
        ...args,
      ],
    }
  }
}

/** Verdict of one criterion of a judged gate. */
export function verdictOf(result: GateResult, id: string): Verdict | undefined {
  return result.criteria.find((criterion) => criterion.id === id)?.verdict
}

export function reasonsOf(result: GateResult): ReadonlySet<string> {
  return new Set(result.criteria.flatMap((criterion) => criterion.reasons))
}

/** What every criterion said, for the message of an assertion. */
export function sentences({ criteria }: GateResult): string {
  return criteria.map(({ sentence }) => sentence).join('\n')
}
