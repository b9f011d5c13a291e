import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayUse, parseAllowedSigners, sshTime, sshTimeMs } from './allowed-signers.ts'
import { newMachineKey } from './machine-key.ts'

const KEY = newMachineKey().publicKeyLine

test('refuses a line it cannot read instead of skipping it', () => {
  for (const line of [
    'someone',
    `someone namespaces="git"`,
    'someone ssh-ed25519 ????',
    `a cert-authority ${KEY}`,
  ])
    assert.throws(() => parseAllowedSigners(`${line}\n`), line)
  assert.throws(() => parseAllowedSigners(`a valid-before="soon" ${KEY}\n`), /not a time/)
})

test('refuses what ssh-keygen would read as less trust than is meant: no such day, a rule twice, a negation', () => {
  for (const time of ['20261399Z', '20260230', '20260101 2500', '202601012500'])
    assert.throws(() => parseAllowedSigners(`a valid-before="${time}" ${KEY}\n`), time)
  assert.throws(
    () => parseAllowedSigners(`a namespaces="git",namespaces="sonia" ${KEY}\n`),
    /namespaces stands there twice/,
  )
  for (const principals of ['!a', 'a,!b', '"a,!b"'])
    assert.throws(() => parseAllowedSigners(`${principals} ${KEY}\n`), /negated/)
})

test('refuses a key whose type in front is not the one inside', () => {
  assert.throws(() => parseAllowedSigners(`a ssh-ed25519 ${KEY.split(' ')[1]}\n`), /another type inside/)
})

test('reads principals, options in any order, comments and empty lines', () => {
  const [one, two, ...more] = parseAllowedSigners(
    `# people\n\na@x.org,b@x.org namespaces="git,sonia",valid-after="20260101Z",valid-before="20270101Z" ${KEY} note\nc ${KEY}\n`,
  )
  assert.deepEqual(more, [])
  assert.deepEqual(one?.principals, ['a@x.org', 'b@x.org'])
  assert.deepEqual(one?.namespaces, ['git', 'sonia'])
  assert.deepEqual([one?.validAfter, one?.validBefore], ['20260101Z', '20270101Z'])
  assert.deepEqual([two?.principals, two?.namespaces], [['c'], null])
})

test('a key counts only in its namespaces and its time', () => {
  const [signer] = parseAllowedSigners(
    `a namespaces="git",valid-after="20260101",valid-before="202701010000" ${KEY}\n`,
  )
  assert.ok(signer !== undefined)
  const during = Date.UTC(2026, 5, 1)
  assert.equal(mayUse(signer, 'git', during), true)
  assert.equal(mayUse(signer, 'file', during), false)
  assert.equal(mayUse(signer, 'git', Date.UTC(2025, 11, 31, 23, 59, 59)), false)
  assert.equal(mayUse(signer, 'git', Date.UTC(2027, 0, 1)), false)
})

test('times survive writing and reading, and are UTC wherever this runs', () => {
  const at = Date.UTC(2026, 10, 24, 18, 5, 9)
  assert.equal(sshTime(at), '20261124180509Z')
  assert.equal(sshTimeMs(sshTime(at)), at)
})
