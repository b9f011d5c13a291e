import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseDsse } from '../evidence/dsse.ts'
import { newMachineKey } from '../evidence/machine-key.ts'
import { outputOf } from '../evidence/run-process.ts'
import { parsePolicy, type ReleasePolicy } from './policy.ts'
import { emailOf, rehearsalPolicy, writePolicy } from './rehearsal-repository.ts'
import { sealRelease } from './seal-release.ts'
import { bundle, changedPolicy, refusesToSeal, scratch, signOffs, stage, verify } from './sealed-stage.ts'

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
  for (const valid_until of ['2020-01-01T00:00:00Z', '2099-13-01T00:00:00Z'])
    await refusesToSeal('POLICY_UNTRUSTED', await changedPolicy((policy) => ({ ...policy, valid_until })))
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
