import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newMachineKey, type MachineKey } from '../evidence/machine-key.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { type Trust, trustFromAllowedSigners } from '../evidence/trust.ts'
import { SIGN_OFF_TOPICS, type SignOffTopic } from './policy.ts'
import { POLICY_FILE } from './policy-file.ts'
import { makeRehearsalBundle, type RehearsalEvidence } from './rehearsal-evidence.ts'
import {
  emailOf,
  makeRehearsalRepository,
  type RehearsalPerson,
  type RehearsalRepository,
} from './rehearsal-repository.ts'
import type { SealOptions } from './seal-release.ts'
import type { Decision } from './sign-off.ts'
import { signBundle } from './sign-bundle.ts'

/** Everything a release needs, made for real in a scratch folder. */
export interface Stage {
  readonly scratch: string
  readonly machine: MachineKey
  readonly repository: RehearsalRepository
  readonly trust: Trust
  readonly nowMs: number
  bundle(changes?: Partial<RehearsalEvidence>): Promise<string>
  options(bundle: string, changes?: Partial<SealOptions>): SealOptions
  say(bundle: string, who: RehearsalPerson, topic: SignOffTopic, said?: Said): Promise<string>
  /** Signs everything that the policy asks for. */
  approveAll(bundle: string): Promise<void>
}

interface Said {
  readonly decision?: Decision
  readonly nowMs?: number
}

export async function makeStage(scratch: string, nowMs = Date.now()): Promise<Stage> {
  const machine = newMachineKey()
  const repository = await makeRehearsalRepository(scratch, machine, nowMs)
  const trust = trustFromAllowedSigners(await readFile(repository.allowedSigners, 'utf8'), nowMs)
  const tools = { prometheusBinary: PROMETHEUS_FILE, promtoolBinary: PROMTOOL_FILE }
  const options: Stage['options'] = (bundle, changes = {}) => ({
    bundle,
    policyFile: join(repository.path, POLICY_FILE),
    policySigners: trust.signers,
    purpose: 'run',
    nowMs,
    scratchFolder: scratch,
    prometheusBinary: PROMETHEUS_FILE,
    repository: repository.path,
    artifactsFolder: join(scratch, 'artifacts'),
    machineKey: machine,
    person: emailOf('manager'),
    keyFile: repository.keyFiles.manager,
    ...changes,
  })
  const say: Stage['say'] = (bundle, who, topic, { decision = 'approve', nowMs: at = nowMs } = {}) =>
    signBundle({
      ...options(bundle),
      nowMs: at,
      topic,
      decision,
      person: emailOf(who),
      keyFile: repository.keyFiles[who],
      reason: decision === 'approve' ? null : 'tried',
    })
  return {
    scratch,
    machine,
    repository,
    trust,
    nowMs,
    options,
    say,
    bundle: async (changes = {}) => {
      const evidence = { scratch, repository, machine, nowMs, tools, runId: 'run-1' }
      const made = await makeRehearsalBundle({ ...evidence, purpose: 'run', profile: 'release', ...changes })
      return made.path
    },
    approveAll: async (bundle) => {
      await say(bundle, 'security', 'soak')
      for (const topic of SIGN_OFF_TOPICS) {
        const who = topic === 'security' ? 'security' : topic === 'release' ? 'manager' : 'reliability'
        await say(bundle, who, topic)
      }
    },
  }
}
