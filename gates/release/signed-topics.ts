import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before } from 'node:test'
import type { ReadManifest } from '../evidence/check-files.ts'
import type { FindingCode } from '../evidence/findings.ts'
import { newMachineKey } from '../evidence/machine-key.ts'
import type { Manifest } from '../evidence/manifest.ts'
import { outputOf } from '../evidence/run-process.ts'
import { scratchFolder } from '../evidence/testing.ts'
import { objectionTo, topicStates } from './judge-sign-offs.ts'
import type { ReleasePolicy } from './policy.ts'
import { emailOf, rehearsalPolicy, type RehearsalPerson } from './rehearsal-repository.ts'
import { makeSignOff, readSignOff, type SignOff } from './sign-off.ts'

export const NOW = Date.UTC(2026, 9, 1, 12)
export const HOUR = 3_600_000
export const machine = newMachineKey()
export const SUBJECT = { manifestSha256: 'a'.repeat(64), commit: 'b'.repeat(40) }

export let folder: string
export let policy: ReleasePolicy
export const keyFiles = new Map<string, string>()

before(async () => {
  folder = await scratchFolder()
  const line = async (name: string) => {
    const file = join(folder, name)
    await outputOf('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
    keyFiles.set(name, file)
    return (await outputOf('ssh-keygen', ['-y', '-f', file])).trim().split(' ').slice(0, 2).join(' ')
  }
  const publicKeys = {
    author: await line('author'),
    reliability: await line('reliability'),
    security: await line('security'),
    manager: await line('manager'),
  }
  await line('stranger')
  policy = rehearsalPolicy(machine, publicKeys, NOW)
})

after(() => rm(folder, { recursive: true, force: true }))

export const manifest = (changes: Partial<Manifest> = {}): ReadManifest => ({
  sha256: SUBJECT.manifestSha256,
  manifest: {
    format: 'sonia-manifest/1',
    run_id: 'run-1',
    profile: 'release',
    purpose: 'run',
    created_at: new Date(NOW - HOUR).toISOString(),
    producer: { key_id: machine.keyId, emails: ['runner@example.org'] },
    released: {
      version: '1.0.0',
      commit: SUBJECT.commit,
      tree: 'c'.repeat(40),
      dirty: false,
      author_emails: [emailOf('author')],
      lock_file_sha256: 'd'.repeat(64),
      sbom_sha256: null,
      image_digest: null,
      configuration_sha256: 'd'.repeat(64),
      policies_sha256: 'd'.repeat(64),
      criteria_sha256: 'd'.repeat(64),
    },
    versions: {},
    previous: null,
    files: [],
    ...changes,
  },
})

export const context = (changes: { policy?: ReleasePolicy; read?: ReadManifest; atMs?: number } = {}) => ({
  policy,
  read: manifest(),
  atMs: NOW,
  ...changes,
})

export async function signed(who: RehearsalPerson, changes: Partial<SignOff> = {}, keyOf: string = who) {
  const signOff: SignOff = {
    topic: 'soak',
    decision: 'approve',
    person: emailOf(who),
    run_id: 'run-1',
    at: new Date(NOW - HOUR / 2).toISOString(),
    reason: null,
    seen: [],
    ...changes,
  }
  const made = await makeSignOff(SUBJECT, signOff, keyFiles.get(keyOf) ?? '')
  return readSignOff(made.name, made.content)
}

export async function counted(...files: Awaited<ReturnType<typeof signed>>[]) {
  const people = files.map((file) => {
    const person = policy.people.find((one) => one.name === file.signOff.person)
    assert.ok(person !== undefined)
    return { file, person }
  })
  return topicStates(people, context()).find((state) => state.topic === 'soak')
}

export async function objects(code: FindingCode, file: Awaited<ReturnType<typeof signed>>, at = context()) {
  assert.equal(objectionTo(file, at)?.code, code)
}
