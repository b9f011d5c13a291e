import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { IN_TOTO_TYPE, preAuthEncoding } from '../evidence/dsse.ts'
import { outputOf } from '../evidence/run-process.ts'
import { field, parseSshKey, sshFingerprint, sshKeyLine } from '../evidence/ssh-key.ts'
import { PREDICATES, statementAbout, statementBytes } from '../evidence/statement.ts'
import { missingApprovals, objectionTo, topicStates, vanishedSignOffs } from './judge-sign-offs.ts'
import { emailOf } from './rehearsal-repository.ts'
import { makeSignOff, readSignOff } from './sign-off.ts'
import { armor, isSshSigned, NAMESPACES, parseSshSignature, signatureBody, sshSign } from './ssh-signature.ts'
import {
  NOW,
  HOUR,
  machine,
  SUBJECT,
  folder,
  policy,
  keyFiles,
  manifest,
  context,
  signed,
  counted,
  objects,
} from './signed-topics.ts'

test('refuses a key that the policy does not know, or knows as another person', async () => {
  await objects('SIGNOFF_UNKNOWN_KEY', await signed('reliability', {}, 'stranger'))
  await objects('SIGNOFF_UNKNOWN_KEY', await signed('reliability', {}, 'security'))
})

test('refuses a person without a role for the gate', async () =>
  objects('SIGNOFF_ROLE', await signed('reliability', { topic: 'security' })))

test('refuses who wrote the commit, who ran the gates, and who operates the machine', async () => {
  await objects('SIGNOFF_SELF', await signed('author'))
  const file = await signed('reliability')
  const ran = manifest({
    producer: { key_id: machine.keyId, emails: [emailOf('reliability').toUpperCase()] },
  })
  await objects('SIGNOFF_SELF', file, context({ read: ran }))
  const machines = [{ key_id: machine.keyId, operators: [emailOf('reliability')] }]
  await objects('SIGNOFF_SELF', file, context({ policy: { ...policy, machines } }))
})

test('lets an author object, who may not approve', async () =>
  assert.equal(
    objectionTo(await signed('author', { decision: 'reject', reason: 'broken' }), context()),
    null,
  ))

test('refuses a revoked key, and one outside its time', async () => {
  const file = await signed('reliability')
  const revoked = { ...policy, revoked: [{ key_id: file.signature.keyId, reason: 'lost' }] }
  await objects('KEY_REVOKED', file, context({ policy: revoked }))
  const during = (validAfter: string | null, validBefore: string | null) => ({
    ...policy,
    people: policy.people.map((person) => ({
      ...person,
      keys: person.keys.map((key) => ({ ...key, valid_after: validAfter, valid_before: validBefore })),
    })),
  })
  await objects('KEY_EXPIRED', file, context({ policy: during(null, '2026-10-01T11:00:00Z') }))
  await objects('KEY_EXPIRED', file, context({ policy: during('2026-10-01T11:45:00Z', null) }))
  assert.equal(
    objectionTo(file, context({ policy: during('2026-10-01T11:00:00Z', '2027-01-01T00:00:00Z') })),
    null,
  )
})

test('refuses a sign-off of another manifest, of another run, from the future, too early, or too old', async () => {
  const file = await signed('reliability')
  await objects('SIGNOFF_STALE', file, context({ read: { ...manifest(), sha256: 'e'.repeat(64) } }))
  await objects('SIGNOFF_STALE', file, context({ read: manifest({ run_id: 'run-2' }) }))
  await objects('SIGNOFF_STALE', await signed('reliability', { at: new Date(NOW + HOUR).toISOString() }))
  await objects('SIGNOFF_STALE', await signed('reliability', { at: new Date(NOW - 2 * HOUR).toISOString() }))
  await objects('SIGNOFF_STALE', file, context({ atMs: NOW + 30 * HOUR }))
})

test('a malformed sign-off is not read: altered payload name, other namespace, two signatures, unknown decision', async () => {
  const { name, content } = await makeSignOff(
    SUBJECT,
    { ...(await signed('reliability')).signOff },
    keyFiles.get('reliability') ?? '',
  )
  assert.throws(() => readSignOff(`${name}x`, content), /does not follow/)
  const envelope = JSON.parse(content)
  const line = (value: unknown) => `${JSON.stringify(value)}\n`
  const [one] = envelope.signatures
  assert.throws(() => readSignOff(name, line({ ...envelope, signatures: [one, one] })), /exactly one/)
  const keyid = line({ ...envelope, signatures: [{ ...one, keyid: machine.keyId }] })
  assert.throws(() => readSignOff(name, keyid), /key id/)
  const hidden = content.replace('{', '{"payload":"AAAA",')
  assert.throws(() => readSignOff(name, hidden), /says it twice/)
  const payload = Buffer.from(envelope.payload, 'base64')
  const git = await sshSign(preAuthEncoding(IN_TOTO_TYPE, payload), keyFiles.get('reliability') ?? '', 'git')
  const forGit = { ...envelope, signatures: [{ keyid: git.keyId, sig: signatureBody(git) }] }
  assert.throws(() => readSignOff(name, line(forGit)), /signed for git/)
  await assert.rejects(
    signed('reliability', JSON.parse('{"decision":"maybe"}')),
    /predicate is not that of a sign-off/,
  )
})

test('ssh-keygen refuses the signature over another payload, and in another namespace', async () => {
  const { signature, message } = await signed('reliability')
  const good = { message, signature, namespace: NAMESPACES.signOff, key: signature.key }
  assert.equal(await isSshSigned(good, folder), true)
  assert.equal(
    await isSshSigned({ ...good, message: Buffer.concat([message, Buffer.from(' ')]) }, folder),
    false,
  )
  assert.equal(await isSshSigned({ ...good, namespace: NAMESPACES.policy }, folder), false)
  const other = await signed('security')
  assert.equal(await isSshSigned({ ...good, key: other.signature.key }, folder), false)
})

test('a threshold of two is not met by one person twice, nor by an empty list', async () => {
  const one = await signed('reliability')
  const again = await signed('reliability', { seen: [one.digest] })
  assert.equal((await counted(one, again))?.isApproved, false)
  assert.equal((await counted(one, await signed('reliability', { reason: 'once more' })))?.isApproved, false)
  assert.equal((await counted())?.isApproved, false)
  assert.equal((await counted(one, await signed('security')))?.isApproved, true)
})

test('a veto stands against any number of approvals until the same person takes it back', async () => {
  const approvals = [await signed('reliability'), await signed('security')]
  const seen = approvals.map((one) => one.digest)
  const veto = await signed('manager', { decision: 'hold', reason: 'wait', seen })
  assert.equal((await counted(...approvals, veto))?.isApproved, false)
  const unseen = await signed('manager', { decision: 'withdraw', reason: 'never mind' })
  assert.equal((await counted(...approvals, veto, unseen))?.isApproved, false)
  const taken = await signed('manager', { decision: 'withdraw', reason: 'done', seen: [veto.digest] })
  assert.equal((await counted(...approvals, veto, taken))?.isApproved, true)
})

test('the decision to release counts only after the sign-offs that it is about', async () => {
  const gates = [
    ...(await Promise.all(
      (['go-no-go', 'soak', 'determinism', 'durability', 'observability'] as const).map((topic) =>
        signed('reliability', { topic }),
      ),
    )),
    await signed('security'),
    await signed('security', { topic: 'security' }),
  ]
  const seen = gates.map((one) => one.digest)
  const isReleased = async (decision: Awaited<ReturnType<typeof signed>>) => {
    const people = [...gates, decision].map((file) => {
      const person = policy.people.find((one) => one.name === file.signOff.person)
      assert.ok(person !== undefined)
      return { file, person }
    })
    return topicStates(people, context()).find((state) => state.topic === 'release')?.isApproved
  }
  assert.equal(await isReleased(await signed('manager', { topic: 'release', seen })), true)
  assert.equal(await isReleased(await signed('manager', { topic: 'release', seen: seen.slice(1) })), false)
  assert.equal(await isReleased(await signed('manager', { topic: 'release' })), false)
})

test('a withdrawn approval no longer counts', async () => {
  const one = await signed('reliability')
  const withdrawn = await signed('reliability', { decision: 'withdraw', reason: 'error', seen: [one.digest] })
  const state = await counted(one, withdrawn, await signed('security'))
  assert.equal(state?.approvals.length, 1)
  assert.equal(state?.isApproved, false)
})

test('a veto that a later signer had seen cannot vanish', async () => {
  const veto = await signed('manager', { decision: 'reject', reason: 'no' })
  const later = await signed('reliability', { seen: [veto.digest] })
  assert.deepEqual(vanishedSignOffs([veto, later]), [])
  assert.equal(vanishedSignOffs([later])[0]?.code, 'SIGNOFF_MISSING')
})

test('says how many are missing and who could sign, leaving out who may not', async () => {
  const states = topicStates([], context())
  const [soak] = missingApprovals(states.filter((state) => state.topic === 'soak'))
  assert.equal(
    soak?.sentence,
    `soak has 0 of 2 sign-offs; ${emailOf('reliability')}, ${emailOf('security')} could sign`,
  )
})

/** What a security key would produce (PROTOCOL.u2f), made in software: no such hardware is needed to verify it. */
function skSigned(message: Buffer, namespace: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const type = 'sk-ssh-ed25519@openssh.com'
  const application = 'ssh:'
  const keyBlob = Buffer.concat([field(type), field(raw), field(application)])
  const hashed = createHash('sha512').update(message).digest()
  const body = Buffer.concat([
    Buffer.from('SSHSIG'),
    ...[namespace, '', 'sha512'].map((part) => field(part)),
    field(hashed),
  ])
  const flagsAndCounter = Buffer.from([1, 0, 0, 0, 5])
  const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest()
  const covered = Buffer.concat([digest(application), flagsAndCounter, digest(body)])
  const inner = Buffer.concat([field(type), field(sign(null, covered, privateKey)), flagsAndCounter])
  const version = Buffer.from([0, 0, 0, 1])
  const blob = Buffer.concat([
    Buffer.from('SSHSIG'),
    version,
    ...[keyBlob, namespace, '', 'sha512', inner].map((part) => field(part)),
  ])
  return {
    signature: parseSshSignature(armor(blob.toString('base64'))),
    line: `${type} ${keyBlob.toString('base64')}`,
  }
}

test('a sign-off by a hardware-backed key is read and verified, and counts for its person', async () => {
  const signOff = (await signed('reliability')).signOff
  const payload = statementBytes(statementAbout(SUBJECT, PREDICATES.signOff, signOff))
  const message = preAuthEncoding(IN_TOTO_TYPE, payload)
  const { signature, line } = skSigned(message, NAMESPACES.signOff)
  const key = parseSshKey(line)
  assert.equal(signature.keyId, sshFingerprint(key))
  const check = { message, signature, namespace: NAMESPACES.signOff, key }
  assert.equal(await isSshSigned(check, folder), true)
  assert.equal(await isSshSigned({ ...check, message: Buffer.from('other') }, folder), false)
  assert.equal(sshKeyLine(key), line)
  await writeFile(join(folder, 'sk.pub'), `${line}\n`)
  const printed = await outputOf('ssh-keygen', ['-l', '-f', join(folder, 'sk.pub')])
  assert.equal(printed.split(' ')[1], signature.keyId)
})
