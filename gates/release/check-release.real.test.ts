import assert from 'node:assert/strict'
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { envelopeFiles } from '../evidence/attestations.ts'
import { parseDsse, payloadOf, signDsse } from '../evidence/dsse.ts'
import { newMachineKey } from '../evidence/machine-key.ts'
import { outputOf, runProcess } from '../evidence/run-process.ts'
import { filesOf, overwrite } from '../evidence/testing.ts'
import { NO_TRUST, trustFromKey } from '../evidence/trust.ts'
import { CloneNotAsked } from './check-clone.ts'
import { emailOf } from './rehearsal-repository.ts'
import {
  bundle,
  changedPolicy,
  copySealed,
  objections,
  refusesSealed,
  scratch,
  sealed,
  signOffs,
  stage,
  verify,
} from './sealed-stage.ts'

test('the check of the files outside the manifest has nothing against the untouched release', async () => {
  assert.equal(await objections(sealed.path), 0)
})

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

test('refuses a blank line after a signature, in every file that ends in one', async () => {
  const names = (await readdir(join(sealed.path, 'attestations'))).filter((name) => name.endsWith('.tag'))
  assert.equal(names.length, 2)
  const append = (path: string) => async (copy: string) =>
    overwrite(join(copy, path), `${await readFile(join(copy, path), 'utf8')}\n`)
  for (const name of names) await refusesSealed('TAG_CHANGED', 10, append(`attestations/${name}`))
  await refusesSealed('POLICY_UNTRUSTED', 10, append('keys/release-policy.json.sig'))
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

test('refuses a page, policy or key of a release in a bundle that nobody sealed', async () => {
  const parts = ['release.html', 'keys/sealer.pem', 'keys/release-policy.json.sig']
  for (const [index, path] of parts.entries()) {
    const copy = join(scratch, `unsealed-${index}`)
    await cp(bundle, copy, { recursive: true })
    await copyFile(join(sealed.path, path), join(copy, path))
    const { exitCode, signed } = await verify(copy)
    assert.deepEqual([exitCode, signed.findings.map((one) => one.code)], [10, ['FILE_EXTRA']])
  }
})

test('refuses text around the key of the machine that sealed', () =>
  refusesSealed('ATTESTATION_MALFORMED', 10, async (copy) => {
    const path = join(copy, 'keys/sealer.pem')
    await overwrite(path, `Approved by everybody\n${await readFile(path, 'utf8')}`)
  }))

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
    const outside = join(scratch, 'outside')
    await rename(path, outside)
    await symlink(outside, path)
  }))

test('does not accept a release when only the machine is trusted, or nobody', async () => {
  assert.equal((await verify(sealed.path, trustFromKey(stage.machine.publicKeyPem))).exitCode, 12)
  assert.equal((await verify(sealed.path, NO_TRUST)).exitCode, 12)
})

test('a clone that git does not read is no clone without the tag: the check ends with what git said', async () => {
  const clone = join(scratch, 'unreadable')
  await mkdir(join(clone, '.git'), { recursive: true })
  await assert.rejects(verify(sealed.path, stage.trust, clone), CloneNotAsked)
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

test('every command that the release page prints to check a release does what it says', async () => {
  const page = await readFile(join(sealed.path, 'release.html'), 'utf8')
  assert.match(page, /\.\/sonia verify artifacts\/release-candidate-1 --allowed-signers allowed_signers/u)
  const printed = [...page.slice(page.indexOf('How to check it yourself')).matchAll(/<pre>(.*?)<\/pre>/gsu)]
    .map(([, text = '']) => unescaped(text))
    .filter((text) => !/^(?:cosign|\.\/sonia|git --no-replace-objects rev-parse) /u.test(text))
  const set = `s=${stage.repository.allowedSigners}; c=${stage.repository.path}\n`
  const commands = printed.join('\n').replace('=../../allowed_signers', '=$s').replace('=../..', '=$c')
  const { stdout } = await runProcess('sh', ['-ec', set + commands], { cwd: sealed.path })
  const said = stdout.toString('utf8')
  assert.equal(said.match(/^Verified OK$/gmu)?.length, 8)
  assert.equal(said.match(/^Good "sonia-release-policy@v1" signature for manager@/gmu)?.length, 1)
  assert.equal(said.match(/^Good "sonia-release-signoff@v1" signature for person /gmu)?.length, 8)
  assert.equal(said.match(/^"topic":"[a-z-]+" "decision":"approve" "person":"[a-z]+@/gmu)?.length, 8)
  assert.equal(said.match(/^accepted$/gmu)?.length, 2)
  const digest = /^([0-9a-f]{64}) {2}attestations\/verification-summary/mu.exec(said)?.[1]
  assert.ok(said.includes(`release-candidate-1.tag:summary-sha256: ${digest}`))
})

const unescaped = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
