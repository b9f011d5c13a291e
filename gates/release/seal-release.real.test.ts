import assert from 'node:assert/strict'
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { envelopeFiles } from '../evidence/attestations.ts'
import { checkFiles } from '../evidence/check-files.ts'
import { checkMachineSignatures } from '../evidence/check-signatures.ts'
import { parseDsse, payloadOf, signDsse } from '../evidence/dsse.ts'
import type { FindingCode } from '../evidence/findings.ts'
import { newMachineKey } from '../evidence/machine-key.ts'
import { parseVerdict } from '../evidence/read-verdict.ts'
import { outputOf } from '../evidence/run-process.ts'
import { copyForDamage, filesOf, overwrite, PROMETHEUS_FILE, scratchFolder } from '../evidence/testing.ts'
import { NO_TRUST, type Trust, trustFromKey } from '../evidence/trust.ts'
import { verifyBundle } from '../evidence/verify-bundle.ts'
import { checkRelease } from './check-release.ts'
import { parsePolicy, type ReleasePolicy } from './policy.ts'
import { emailOf, rehearsalPolicy, writePolicy } from './rehearsal-repository.ts'
import { ReleaseRefused } from './release-refused.ts'
import { sealRelease, type SealedRelease, type SealOptions } from './seal-release.ts'
import { makeStage, type Stage } from './testing.ts'

/** One real release is sealed; whoever touches it, or asks for another that must not be, is refused. */
let scratch: string
let stage: Stage
let bundle: string
let sealed: SealedRelease
let copies = 0

before(async () => {
  scratch = await scratchFolder()
  stage = await makeStage(scratch)
  bundle = await stage.bundle()
  await stage.approveAll(bundle)
  sealed = await sealRelease(stage.options(bundle))
})

after(() => rm(scratch, { recursive: true, force: true }))

const verify = (
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

async function copySealed(): Promise<string> {
  const copy = await copyForDamage(sealed.path, join(scratch, `copy-${copies++}`))
  for (const folder of ['', 'attestations', 'keys']) await chmod(join(copy, folder), 0o755)
  return copy
}

async function refusesSealed(
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
async function objections(copy: string): Promise<number> {
  const { findings, read } = await checkFiles(copy)
  if (read === null) return findings.length
  const verdict = parseVerdict(await readFile(join(copy, 'verdict.json'), 'utf8'))
  const machine = await checkMachineSignatures(copy, read, verdict, stage.trust)
  if (findings.length + machine.findings.length > 0) return findings.length + machine.findings.length
  const options = { trust: stage.trust, scratchFolder: scratch, repository: null }
  const release = await checkRelease(copy, read, verdict, options)
  return release.findings.length
}

test('the check of the files outside the manifest has nothing against the untouched release', async () => {
  assert.equal(await objections(sealed.path), 0)
})

/** Asks for a release that must not happen, and checks that nothing of it is left. */
async function refusesToSeal(code: FindingCode, changes: Partial<SealOptions>, of = bundle): Promise<void> {
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
async function changedPolicy(change: (policy: ReleasePolicy) => ReleasePolicy, by = 'manager' as const) {
  const file = join(scratch, `policy-${copies++}.json`)
  const policy = rehearsalPolicy(stage.machine, stage.repository.publicKeys, stage.nowMs)
  await writePolicy(file, change(policy), stage.repository.keyFiles[by])
  return { policyFile: file }
}

const signOffs = async (copy: string, topic: string) =>
  (await readdir(join(copy, 'attestations'))).filter((name) => name.startsWith(`sign-off-${topic}`))

test('refuses a flipped bit in every file outside the manifest', async () => {
  const outside = (await filesOf(sealed.path))
    .map((path) => path.slice(sealed.path.length + 1))
    .filter((path) =>
      /^(?:attestations|keys)\/|^RELEASE_CHECKLIST|^release\.html|^SHA256SUMS|^MANIFEST/u.test(path),
    )
  assert.ok(outside.length > 25)
  for (const path of outside) {
    const copy = await copySealed()
    const bytes = await readFile(join(copy, path))
    const index = Math.floor(bytes.length / 3)
    bytes[index] = (bytes[index] ?? 0) ^ 1
    await overwrite(join(copy, path), bytes)
    assert.notEqual(await objections(copy), 0, path)
    await outputOf('rm', ['-rf', copy])
  }
})

test('refuses a sealed release without one of its files outside the manifest', async () => {
  const outside = (await filesOf(sealed.path))
    .map((path) => path.slice(sealed.path.length + 1))
    .filter((path) => /^(?:attestations|keys)\/|^RELEASE_CHECKLIST|^release\.html/u.test(path))
  for (const path of outside) {
    const copy = await copySealed()
    await rm(join(copy, path))
    assert.notEqual(await objections(copy), 0, path)
    await outputOf('rm', ['-rf', copy])
  }
})

test('refuses a removed sign-off', () =>
  refusesSealed('SIGNOFF_THRESHOLD', 10, async (copy) => {
    for (const name of await signOffs(copy, 'durability')) await rm(join(copy, 'attestations', name))
  }))

test('refuses a renamed sign-off', () =>
  refusesSealed('SIGNOFF_MALFORMED', 10, async (copy) => {
    const [name] = await signOffs(copy, 'soak')
    await rename(
      join(copy, 'attestations', name ?? ''),
      join(copy, 'attestations', 'sign-off-security-0000000000000000.dsse.json'),
    )
  }))

test('refuses a sign-off that was added after the release was sealed', async () => {
  const other = await stage.bundle({ runId: 'run-added' })
  const name = await stage.say(other, 'security', 'observability')
  await refusesSealed('SIGNOFF_STALE', 10, (copy) =>
    copyFile(join(other, 'attestations', name), join(copy, 'attestations', name)),
  )
})

test('refuses an edited checklist', () =>
  refusesSealed('CHECKLIST_CHANGED', 10, async (copy) => {
    const path = join(copy, 'RELEASE_CHECKLIST.md')
    await overwrite(path, (await readFile(path, 'utf8')).replace(emailOf('security'), emailOf('author')))
  }))

test('refuses an edited release page', () =>
  refusesSealed('RELEASE_PAGE_CHANGED', 10, async (copy) => {
    const path = join(copy, 'release.html')
    await overwrite(path, (await readFile(path, 'utf8')).replaceAll(emailOf('security'), emailOf('author')))
  }))

test('the release page names who signed for each gate', async () => {
  const page = await readFile(join(sealed.path, 'release.html'), 'utf8')
  assert.equal(page.match(/Signed by <strong>\S+@rehearsal\.invalid/gu)?.length, 8)
})

test('refuses a missing checklist', () =>
  refusesSealed('FILE_MISSING', 11, (copy) => rm(join(copy, 'RELEASE_CHECKLIST.md'))))

test('refuses a missing verification summary', () =>
  refusesSealed('ATTESTATION_MISSING', 10, async (copy) => {
    await rm(join(copy, 'attestations/verification-summary.dsse.json'))
  }))

test('refuses a verification summary signed by another machine, with its key put in place', () =>
  refusesSealed('KEY_UNKNOWN', 10, async (copy) => {
    const forger = newMachineKey()
    const path = join(copy, 'attestations/verification-summary.dsse.json')
    const payload = payloadOf(parseDsse(await readFile(path, 'utf8')))
    for (const [name, content] of envelopeFiles('verification-summary', signDsse(payload, forger)))
      await overwrite(join(copy, 'attestations', name), content)
    await overwrite(join(copy, 'keys/sealer.pem'), forger.publicKeyPem)
  }))

test('refuses a verification summary whose list of attestations was shortened by the right machine', () =>
  refusesSealed('ATTESTATION_CONTENT', 10, async (copy) => {
    const path = join(copy, 'attestations/verification-summary.dsse.json')
    const statement = JSON.parse(payloadOf(parseDsse(await readFile(path, 'utf8'))).toString())
    statement.predicate.inputAttestations.pop()
    const envelope = signDsse(Buffer.from(JSON.stringify(statement)), stage.machine)
    for (const [name, content] of envelopeFiles('verification-summary', envelope))
      await overwrite(join(copy, 'attestations', name), content)
  }))

test('refuses the policy of another day in place of the one decided under', () =>
  refusesSealed('ATTESTATION_CONTENT', 10, async (copy) => {
    const { policyFile } = await changedPolicy((policy) => ({ ...policy, version: 7 }))
    await overwrite(join(copy, 'keys/release-policy.json'), await readFile(policyFile))
    await overwrite(join(copy, 'keys/release-policy.json.sig'), await readFile(`${policyFile}.sig`))
  }))

test('refuses a policy that its author loosened and could not sign', () =>
  refusesSealed('POLICY_UNTRUSTED', 10, async (copy) => {
    const path = join(copy, 'keys/release-policy.json')
    await overwrite(path, (await readFile(path, 'utf8')).replace('"threshold": 2', '"threshold": 1'))
  }))

test('refuses a tag of one name under the other', () =>
  refusesSealed('TAG_CHANGED', 10, async (copy) => {
    const [first, second] = sealed.tags
    const text = await readFile(join(copy, `attestations/${first}.tag`))
    await overwrite(join(copy, `attestations/${second}.tag`), text)
  }))

test('refuses a missing tag', () =>
  refusesSealed('TAG_MISSING', 11, (copy) => rm(join(copy, `attestations/${sealed.tags[0]}.tag`))))

test('refuses a tag that was moved in the clone, replaced by a lightweight one, or deleted', async () => {
  const clone = join(scratch, 'clone')
  await outputOf('git', ['clone', '-q', stage.repository.path, clone])
  const git = (...args: string[]) =>
    outputOf('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], { cwd: clone })
  const [tag] = sealed.tags
  assert.ok(tag !== undefined)
  assert.equal((await verify(sealed.path, stage.trust, clone)).exitCode, 0)
  await git('tag', '-f', '-a', '-m', 'moved', tag, 'HEAD')
  assert.equal((await verify(sealed.path, stage.trust, clone)).signed.findings[0]?.code, 'TAG_CHANGED')
  await git('tag', '-f', tag, 'HEAD')
  assert.equal((await verify(sealed.path, stage.trust, clone)).signed.findings[0]?.code, 'TAG_MISSING')
  await git('tag', '-d', tag)
  assert.equal((await verify(sealed.path, stage.trust, clone)).signed.findings[0]?.code, 'TAG_MISSING')
})

test('refuses a symbolic link in place of a sign-off', () =>
  refusesSealed('FILE_LINK', 10, async (copy) => {
    const [name] = await signOffs(copy, 'soak')
    const path = join(copy, 'attestations', name ?? '')
    const outside = join(scratch, `outside-${copies}`)
    await rename(path, outside)
    await symlink(outside, path)
  }))

test('does not accept a release when only the machine is trusted, or nobody', async () => {
  assert.equal((await verify(sealed.path, trustFromKey(stage.machine.publicKeyPem))).exitCode, 12)
  assert.equal((await verify(sealed.path, NO_TRUST)).exitCode, 12)
})

test('accepts the untouched release, in a folder of any name and without a clone', async () => {
  const copy = await copySealed()
  const result = await verify(copy, stage.trust, null)
  assert.deepEqual(
    [result.files, result.signed, result.derived].flatMap((one) => one.findings),
    [],
  )
  assert.equal(result.exitCode, 0)
  assert.match(result.signed.sentence, /release candidate 1 of version 0\.0\.0, approved by /)
})

test("holds exactly the seed's files at its top, besides what evidence needs, all read-only", async () => {
  const names = await readdir(sealed.path)
  for (const name of [
    'go-no-go-summary.json',
    'soak-metrics-final.json',
    'security-tests.json',
    'restore-drill.json',
    'integration-tests.json',
    'RELEASE_CHECKLIST.md',
    'MANIFEST.json',
  ])
    assert.ok(names.includes(name), name)
  for (const file of await filesOf(sealed.path)) assert.equal((await stat(file)).mode & 0o7777, 0o444, file)
  assert.equal((await stat(sealed.path)).mode & 0o7777, 0o555)
})

test('the checklist names every signer, and says yes', async () => {
  const text = await readFile(join(sealed.path, 'RELEASE_CHECKLIST.md'), 'utf8')
  assert.match(text, /Release approved: \[x\] YES/)
  assert.equal(text.match(/Verified by: \S+@rehearsal\.invalid/gu)?.length, 7)
  assert.match(text, /Approved by: manager@rehearsal\.invalid \(Release Manager\)/)
  assert.doesNotMatch(text, /_____/)
})

test('refuses to seal without a policy, without its signature, or with an empty one', async () => {
  const empty = join(scratch, 'empty.json')
  await writeFile(empty, '')
  await writeFile(`${empty}.sig`, '')
  const unsigned = join(scratch, 'unsigned.json')
  await copyFile(stage.options(bundle).policyFile, unsigned)
  await refusesToSeal('POLICY_MISSING', { policyFile: join(scratch, 'nowhere.json') })
  await refusesToSeal('POLICY_MISSING', { policyFile: unsigned })
  await refusesToSeal('POLICY_UNTRUSTED', { policyFile: empty })
})

test('refuses to seal under a policy that a stranger signed, or that nobody is named for', async () => {
  const policy = rehearsalPolicy(stage.machine, stage.repository.publicKeys, stage.nowMs)
  const file = join(scratch, 'by-author.json')
  await writePolicy(file, policy, stage.repository.keyFiles.author)
  await refusesToSeal('POLICY_UNTRUSTED', { policyFile: file })
  await refusesToSeal('POLICY_UNTRUSTED', { policySigners: [] })
})

test('refuses to seal under an expired policy, and under one that a newer one replaced', async () => {
  await refusesToSeal(
    'POLICY_UNTRUSTED',
    await changedPolicy((policy) => ({ ...policy, valid_until: '2020-01-01T00:00:00Z' })),
  )
  const artifactsFolder = join(scratch, 'later-artifacts')
  const keys = join(artifactsFolder, 'release-candidate-9', 'keys')
  await mkdir(keys, { recursive: true })
  const { policyFile } = await changedPolicy((policy) => ({ ...policy, version: 2 }))
  await copyFile(policyFile, join(keys, 'release-policy.json'))
  await refusesToSeal('POLICY_UNTRUSTED', { artifactsFolder })
})

test('refuses to seal when a key that signed is revoked or has expired since', async () => {
  const { publicKeys } = stage.repository
  const { keyid } = parseDsse(
    await readFile(join(bundle, 'attestations', (await signOffs(bundle, 'security'))[0] ?? ''), 'utf8'),
  ).signatures[0] ?? { keyid: '' }
  await refusesToSeal(
    'KEY_REVOKED',
    await changedPolicy((policy) => ({ ...policy, revoked: [{ key_id: keyid, reason: 'lost' }] })),
  )
  const expired = (policy: ReleasePolicy): ReleasePolicy => ({
    ...policy,
    people: policy.people.map((person) => ({
      ...person,
      keys: person.keys.map((key) =>
        key.public_key === publicKeys.security ? { ...key, valid_before: '2020-01-01T00:00:00Z' } : key,
      ),
    })),
  })
  await refusesToSeal('KEY_EXPIRED', await changedPolicy(expired))
})

test('refuses to seal evidence of a machine that is revoked or unknown', async () => {
  const keyId = stage.machine.keyId
  await refusesToSeal(
    'KEY_REVOKED',
    await changedPolicy((policy) => ({ ...policy, revoked: [{ key_id: keyId, reason: 'stolen' }] })),
  )
  const other = [{ key_id: newMachineKey().keyId, operators: [] }]
  await refusesToSeal('KEY_UNKNOWN', await changedPolicy((policy) => ({ ...policy, machines: other })))
  await refusesToSeal('KEY_UNKNOWN', { machineKey: newMachineKey() })
})

test('refuses to seal when an operator of the machine was among the signers', async () => {
  const machines = [{ key_id: stage.machine.keyId, operators: [emailOf('security')] }]
  await refusesToSeal('SIGNOFF_SELF', await changedPolicy((policy) => ({ ...policy, machines })))
})

test('refuses to seal evidence, or sign-offs, that have become too old', async () => {
  const later = { nowMs: stage.nowMs + 23.9 * 3_600_000 }
  await refusesToSeal('EVIDENCE_EXPIRED', {
    ...later,
    ...(await changedPolicy((policy) => ({ ...policy, evidence_max_age_hours: 23 }))),
  })
  await refusesToSeal('SIGNOFF_STALE', {
    ...later,
    ...(await changedPolicy((policy) => ({ ...policy, sign_off_max_age_hours: 23 }))),
  })
})

test('refuses to seal by somebody who may not release, and takes the tag back', async () => {
  const { keyFiles } = stage.repository
  await refusesToSeal('TAG_SIGNER', { person: emailOf('security'), keyFile: keyFiles.security })
  await refusesToSeal('TAG_SIGNER', { person: emailOf('author'), keyFile: keyFiles.author })
  await refusesToSeal('TAG_SIGNER', { person: 'stranger@example.org' })
  await refusesToSeal('TAG_SIGNER', { keyFile: keyFiles.security })
})

test('refuses smoke evidence, and a rehearsal, offered as a release', async () => {
  await refusesToSeal('NOT_RELEASE_EVIDENCE', {}, await stage.bundle({ runId: 'smoke', profile: 'smoke' }))
  await refusesToSeal(
    'NOT_RELEASE_EVIDENCE',
    {},
    await stage.bundle({ runId: 'practice', purpose: 'rehearsal' }),
  )
})

test('refuses sign-offs brought from another run', async () => {
  const other = await stage.bundle({ runId: 'run-2' })
  for (const name of await readdir(join(bundle, 'attestations')))
    if (name.startsWith('sign-off-'))
      await copyFile(join(bundle, 'attestations', name), join(other, 'attestations', name))
  await refusesToSeal('SIGNOFF_STALE', {}, other)
})

test('refuses a bundle that nobody signed off, and names who could', async () => {
  const fresh = await stage.bundle({ runId: 'unsigned' })
  await assert.rejects(
    sealRelease(stage.options(fresh)),
    /soak has 0 of 2 sign-offs; reliability.*, security.* could sign/,
  )
})

test('refuses a working tree that is dirty, or at another commit', async () => {
  const dirty = join(scratch, 'dirty')
  await outputOf('git', ['clone', '-q', stage.repository.path, dirty])
  await writeFile(join(dirty, 'untracked.ts'), '')
  await refusesToSeal('NOT_RELEASE_EVIDENCE', { repository: dirty })
  await rm(join(dirty, 'untracked.ts'))
  const commit = [
    '-c',
    'user.name=x',
    '-c',
    'user.email=x@y.z',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    'later',
  ]
  await outputOf('git', commit, { cwd: dirty })
  await refusesToSeal('NOT_RELEASE_EVIDENCE', { repository: dirty })
})

test('a policy that could be met by nobody, or by nothing, cannot be read', async () => {
  const good = await readFile(stage.options(bundle).policyFile, 'utf8')
  const broken = (change: (policy: ReleasePolicy) => unknown) => JSON.stringify(change(parsePolicy(good)))
  for (const text of [
    broken((policy) => ({
      ...policy,
      gates: { ...policy.gates, soak: { roles: ['reliability'], threshold: 0 } },
    })),
    broken((policy) => ({ ...policy, gates: { ...policy.gates, soak: { roles: [], threshold: 1 } } })),
    broken((policy) => ({ ...policy, gates: { ...policy.gates, soak: undefined } })),
    broken((policy) => ({ ...policy, people: [] })),
    broken((policy) => ({ ...policy, machines: [] })),
    broken((policy) => ({ ...policy, release: { roles: ['nobody'], threshold: 1 } })),
    broken((policy) => ({ ...policy, release: { roles: ['release-manager'], threshold: 5 } })),
    broken((policy) => ({ ...policy, people: [...policy.people, policy.people[0]] })),
    broken((policy) => ({ ...policy, approved: true })),
    '{}',
    '',
  ])
    assert.throws(() => parsePolicy(text), text.slice(0, 40))
})

test('refuses to seal under a hold, and once it is withdrawn the decision must be made again', async () => {
  const held = await stage.bundle({ runId: 'held' })
  await stage.approveAll(held)
  await stage.say(held, 'author', 'observability', { decision: 'hold' })
  await refusesToSeal('SIGNOFF_VETO', {}, held)
  await stage.say(held, 'reliability', 'durability', { decision: 'withdraw' })
  await stage.say(held, 'author', 'observability', { decision: 'withdraw' })
  await stage.say(held, 'security', 'durability')
  await refusesToSeal('SIGNOFF_THRESHOLD', {}, held)
})

test('two releases get two numbers, and the second knows the first', async () => {
  const second = await stage.bundle({ runId: 'run-3', nowMs: stage.nowMs + 1000 })
  await stage.approveAll(second)
  const options = stage.options(second, { nowMs: stage.nowMs + 2000 })
  const release = await sealRelease(options)
  assert.deepEqual(release.tags, ['release-candidate-2', 'release-v0.0.0-rc2'])
  assert.equal((await verify(release.path)).exitCode, 0)
})
