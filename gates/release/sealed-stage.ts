import assert from 'node:assert/strict'
import { chmod, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { checkFiles } from '../evidence/check-files.ts'
import { checkMachineSignatures } from '../evidence/check-signatures.ts'
import type { FindingCode } from '../evidence/findings.ts'
import { parseVerdict } from '../evidence/read-verdict.ts'
import { outputOf } from '../evidence/run-process.ts'
import { copyForDamage, PROMETHEUS_FILE, scratchFolder } from '../evidence/testing.ts'
import type { Trust } from '../evidence/trust.ts'
import { verifyBundle } from '../evidence/verify-bundle.ts'
import { checkRelease } from './check-release.ts'
import type { ReleasePolicy } from './policy.ts'
import { rehearsalPolicy, writePolicy } from './rehearsal-repository.ts'
import { ReleaseRefused } from './release-refused.ts'
import { sealRelease, type SealedRelease, type SealOptions } from './seal-release.ts'
import { makeStage, type Stage } from './testing.ts'

/** One real release is sealed; whoever touches it, or asks for another that must not be, is refused. */
export let scratch: string
export let stage: Stage
export let bundle: string
export let sealed: SealedRelease
let copies = 0

before(async () => {
  scratch = await scratchFolder()
  stage = await makeStage(scratch)
  bundle = await stage.bundle()
  await stage.approveAll(bundle)
  sealed = await sealRelease(stage.options(bundle))
})

after(() => rm(scratch, { recursive: true, force: true }))

export const verify = (
  path: string,
  trust: Trust = stage.trust,
  repository: string | null = stage.repository.path,
) =>
  verifyBundle(path, {
    trust,
    prometheusBinary: PROMETHEUS_FILE,
    scratchFolder: scratch,
    checkRelease: (at, read, verdict) =>
      checkRelease(at, read, verdict, { trust, scratchFolder: scratch, repository }),
  })

export async function copySealed(): Promise<string> {
  const copy = await copyForDamage(sealed.path, join(scratch, `copy-${copies++}`))
  for (const folder of ['', 'attestations', 'keys']) await chmod(join(copy, folder), 0o755)
  return copy
}

export async function refusesSealed(
  code: FindingCode,
  exitCode: number,
  damage: (copy: string) => Promise<unknown>,
  trust?: Trust,
): Promise<void> {
  const copy = await copySealed()
  await damage(copy)
  const result = await verify(copy, trust)
  const findings = [result.files, result.signed, result.derived].flatMap((one) => one.findings)
  assert.ok(
    findings.some((one) => one.code === code),
    `expected ${code}, found ${JSON.stringify(findings)}`,
  )
  assert.equal(result.exitCode, exitCode)
}

/** How many objections there are, the derivation of the verdict aside: it does not look at these files. */
export async function objections(copy: string): Promise<number> {
  const { findings, read } = await checkFiles(copy)
  if (read === null) return findings.length
  const verdict = parseVerdict(await readFile(join(copy, 'verdict.json'), 'utf8'))
  const machine = await checkMachineSignatures(copy, read, verdict, stage.trust)
  if (findings.length + machine.findings.length > 0) return findings.length + machine.findings.length
  const options = { trust: stage.trust, scratchFolder: scratch, repository: null }
  const release = await checkRelease(copy, read, verdict, options)
  return release.findings.length
}

/** Asks for a release that must not happen, and checks that nothing of it is left. */
export async function refusesToSeal(
  code: FindingCode,
  changes: Partial<SealOptions>,
  of = bundle,
): Promise<void> {
  const before = await leftovers()
  await assert.rejects(sealRelease(stage.options(of, changes)), (error) => {
    assert.ok(error instanceof ReleaseRefused, String(error))
    assert.ok(
      error.findings.some((one) => one.code === code),
      `expected ${code}, found ${JSON.stringify(error.findings)}`,
    )
    return true
  })
  assert.deepEqual(await leftovers(), before)
}

async function leftovers(): Promise<readonly string[]> {
  const tags = await outputOf('git', ['tag', '--list'], { cwd: stage.repository.path })
  return [...tags.split('\n'), ...(await readdir(join(scratch, 'artifacts')))]
}

/** A policy beside the real one, changed and signed by who may. */
export async function changedPolicy(
  change: (policy: ReleasePolicy) => ReleasePolicy,
  by = 'manager' as const,
) {
  const file = join(scratch, `policy-${copies++}.json`)
  const policy = rehearsalPolicy(stage.machine, stage.repository.publicKeys, stage.nowMs)
  await writePolicy(file, change(policy), stage.repository.keyFiles[by])
  return { policyFile: file }
}

export const signOffs = async (copy: string, topic: string) =>
  (await readdir(join(copy, 'attestations'))).filter((name) => name.startsWith(`sign-off-${topic}`))
