import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SUMMARY_FILES } from '../evidence/bundle-layout.ts'
import { type FindingCode } from '../evidence/findings.ts'
import { newMachineKey } from '../evidence/machine-key.ts'
import { outputOf } from '../evidence/run-process.ts'
import { type Trust, trustFromAllowedSigners } from '../evidence/trust.ts'
import { verifyBundle, type Verification } from '../evidence/verify-bundle.ts'
import { checkRelease } from './check-release.ts'
import { SIGNED_GATES, type SignOffTopic } from './policy.ts'
import { POLICY_FILE } from './policy-file.ts'
import { makeRehearsalBundle, type EvidenceTools } from './rehearsal-evidence.ts'
import { emailOf, makeRehearsalRepository, type RehearsalPerson } from './rehearsal-repository.ts'
import { ReleaseRefused } from './release-refused.ts'
import { sealRelease, type SealedRelease, type SealOptions } from './seal-release.ts'
import type { Decision } from './sign-off.ts'
import { signBundle } from './sign-bundle.ts'

export interface RehearsalOptions {
  /** An empty folder; the caller removes it. */
  readonly scratch: string
  readonly nowMs: number
  readonly tools: EvidenceTools
  /** Told each check as it ends. */
  readonly onCheck: (check: RehearsalCheck) => void
}

export interface RehearsalCheck {
  readonly name: RehearsalCheckName
  readonly isPassed: boolean
  readonly said: string
}

/** Everything that gate 6 tries, in order; the runner exports each. */
export const REHEARSAL_CHECKS = [
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
] as const
type RehearsalCheckName = (typeof REHEARSAL_CHECKS)[number]

/** Rehearses the whole release in a scratch repository with throw-away keys: every lock must hold, and then open. */
export async function rehearseRelease(options: RehearsalOptions): Promise<readonly RehearsalCheck[]> {
  const stage = await setStage(options)
  const checks: RehearsalCheck[] = []
  for (const name of REHEARSAL_CHECKS) {
    const check = await perform(name, stage)
    checks.push(check)
    options.onCheck(check)
  }
  return checks
}

interface Stage {
  readonly seal: SealOptions
  readonly trust: Trust
  readonly keyFiles: Readonly<Record<RehearsalPerson, string>>
  readonly scratch: string
  /** Allowed-signers file for git. */
  readonly tagSigners: string
  sealed: SealedRelease | null
}

async function setStage({ scratch, nowMs, tools }: RehearsalOptions): Promise<Stage> {
  const machine = newMachineKey()
  const repository = await makeRehearsalRepository(scratch, machine, nowMs)
  const evidence = { scratch, repository, machine, nowMs, tools, runId: 'rehearsal' }
  const bundle = await makeRehearsalBundle({ ...evidence, purpose: 'rehearsal', profile: 'release' })
  const trust = trustFromAllowedSigners(await readFile(repository.allowedSigners, 'utf8'), nowMs)
  const seal: SealOptions = {
    bundle: bundle.path,
    policyFile: join(repository.path, POLICY_FILE),
    policySigners: trust.signers,
    purpose: 'rehearsal',
    nowMs,
    scratchFolder: scratch,
    prometheusBinary: tools.prometheusBinary,
    repository: repository.path,
    artifactsFolder: join(scratch, 'artifacts'),
    machineKey: machine,
    person: emailOf('manager'),
    keyFile: repository.keyFiles.manager,
  }
  const tagSigners = join(scratch, 'tag_signers')
  await writeFile(tagSigners, `${emailOf('manager')} namespaces="git" ${repository.publicKeys.manager}\n`)
  return { seal, trust, keyFiles: repository.keyFiles, scratch, tagSigners, sealed: null }
}

async function perform(name: RehearsalCheckName, stage: Stage): Promise<RehearsalCheck> {
  try {
    return { name, isPassed: true, said: await STEPS[name](stage) }
  } catch (error) {
    return { name, isPassed: false, said: error instanceof Error ? error.message : String(error) }
  }
}

/** Each step returns what it saw, or throws what it should not have seen. */
const STEPS: Readonly<Record<RehearsalCheckName, (stage: Stage) => Promise<string>>> = {
  'locked-without-policy': ({ seal, scratch }) =>
    refused('POLICY_MISSING', () => sealRelease({ ...seal, policyFile: join(scratch, 'no-policy.json') })),
  'locked-without-sign-offs': ({ seal }) => refused('SIGNOFF_THRESHOLD', () => sealRelease(seal)),
  'self-sign-off-refused': (stage) => refused('SIGNOFF_SELF', () => say(stage, 'author', 'soak', 'approve')),
  'wrong-role-refused': (stage) =>
    refused('SIGNOFF_ROLE', () => say(stage, 'reliability', 'security', 'approve')),
  'one-person-twice-refused': async (stage) => {
    for (const gate of SIGNED_GATES.filter((one) => one !== 'soak' && one !== 'security'))
      await say(stage, 'reliability', gate, 'approve')
    await say(stage, 'security', 'security', 'approve')
    await say(stage, 'reliability', 'soak', 'approve')
    await say(stage, 'reliability', 'soak', 'approve')
    return refused('SIGNOFF_THRESHOLD', () => sealRelease(stage.seal))
  },
  'veto-locks': async (stage) => {
    await say(stage, 'security', 'soak', 'approve')
    await say(stage, 'author', 'soak', 'hold')
    const said = await refused('SIGNOFF_VETO', () => sealRelease(stage.seal))
    await refused('SIGNOFF_THRESHOLD', () => say(stage, 'manager', 'release', 'approve'))
    await say(stage, 'author', 'soak', 'withdraw')
    await say(stage, 'manager', 'release', 'approve')
    return said
  },
  'real-release-refused': ({ seal }) =>
    refused('NOT_RELEASE_EVIDENCE', () => sealRelease({ ...seal, purpose: 'run' })),
  sealed: async (stage) => {
    stage.sealed = await sealRelease(stage.seal)
    return `sealed as ${stage.sealed.tags.join(' and ')}`
  },
  'seed-files': async (stage) => {
    const names = new Set(await readdir(sealedOf(stage).path))
    const wanted = [...Object.values(SUMMARY_FILES), 'RELEASE_CHECKLIST.md', 'MANIFEST.json']
    const missing = wanted.filter((name) => !names.has(name))
    if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`)
    return `all ${wanted.length} files that the seed names`
  },
  'tags-signed': async (stage) => {
    for (const tag of sealedOf(stage).tags) {
      const args = ['-c', `gpg.ssh.allowedSignersFile=${stage.tagSigners}`, 'verify-tag', tag]
      await outputOf('git', args, { cwd: stage.seal.repository })
    }
    return 'git verify-tag accepts both tags by the key of the release manager alone'
  },
  'second-clone-accepts': async (stage) => {
    const verification = await verifyInClone(stage, 'clone', sealedOf(stage).path, stage.trust)
    if (verification.exitCode !== 0) throw new Error(sentences(verification).join('; '))
    return verification.signed.sentence
  },
  'stranger-refused': async (stage) => {
    const stranger = { machineKeys: new Map(), signers: [] }
    return expectExit(await verifyInClone(stage, 'clone-of-a-stranger', sealedOf(stage).path, stranger), 12)
  },
  'changed-bit-refused': async (stage) => {
    const copy = join(stage.scratch, 'changed')
    await cp(sealedOf(stage).path, copy, { recursive: true })
    const file = join(copy, 'RELEASE_CHECKLIST.md')
    await outputOf('sh', ['-c', 'chmod u+w "$1" && printf " " >> "$1" && chmod a-w "$1"', 'sh', file])
    return expectExit(await verifyInClone(stage, 'clone-of-the-changed', copy, stage.trust), 10)
  },
  'moved-tag-refused': async (stage) => {
    const { repository } = stage.seal
    const [tag] = sealedOf(stage).tags
    const git = (...args: string[]) => outputOf('git', args, { cwd: repository })
    await git('tag', '-f', '--no-sign', '-a', '-m', 'moved', tag ?? '', 'HEAD')
    return expectExit(await verifyInClone(stage, 'clone-of-the-moved', sealedOf(stage).path, stage.trust), 10)
  },
}

async function say(
  { seal, keyFiles }: Stage,
  person: RehearsalPerson,
  topic: SignOffTopic,
  decision: Decision,
): Promise<string> {
  const reason = decision === 'approve' ? null : 'rehearsed'
  return signBundle({ ...seal, topic, decision, person: emailOf(person), keyFile: keyFiles[person], reason })
}

async function refused(code: FindingCode, attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt()
  } catch (error) {
    if (!(error instanceof ReleaseRefused)) throw error
    const found = error.findings.find((one) => one.code === code)
    if (found === undefined) throw new Error(`refused for another reason: ${error.message}`, { cause: error })
    return found.sentence
  }
  throw new Error(`${code} was expected, and nothing was refused`)
}

function sealedOf({ sealed }: Stage): SealedRelease {
  if (sealed === null) throw new Error('nothing was sealed')
  return sealed
}

async function verifyInClone(
  { seal, scratch }: Stage,
  name: string,
  bundle: string,
  trust: Trust,
): Promise<Verification> {
  const clone = join(scratch, name)
  await outputOf('git', ['clone', '-q', seal.repository, clone])
  const { prometheusBinary, scratchFolder } = seal
  return verifyBundle(bundle, {
    trust,
    prometheusBinary,
    scratchFolder,
    checkRelease: (at, read, verdict) =>
      checkRelease(at, read, verdict, { trust, scratchFolder, repository: clone }),
  })
}

function expectExit(verification: Verification, exitCode: number): string {
  const said = sentences(verification).join('; ')
  if (verification.exitCode !== exitCode)
    throw new Error(`exit code ${verification.exitCode} where ${exitCode} was expected: ${said}`)
  return said
}

function sentences({ files, signed, derived }: Verification): readonly string[] {
  return [files, signed, derived].flatMap((one) => one.findings.map(({ sentence }) => sentence))
}
