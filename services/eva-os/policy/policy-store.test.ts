import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type CallFacts, judge, type Policy } from './judge.ts'
import { policyFileSchema } from './policy-file.ts'
import { createPolicyStore, type PolicyStore } from './policy-store.ts'
import { readPolicyFolder } from './read-folder.ts'

const OWNERS = [process.getuid?.() ?? 0]
const PUBLISHED = fileURLToPath(new URL('../../../config/policies/', import.meta.url))

let folder: string
let changes: string[]
let rejections: (readonly string[])[]
let store: PolicyStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sonia-policy-'))
  changes = []
  rejections = []
  store = createPolicyStore(
    { folder, owners: OWNERS },
    {
      onChanged: ({ version }) => changes.push(version),
      onRejected: (problems) => rejections.push(problems),
      onMended: () => changes.push('mended'),
    },
  )
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const rule = (id: string, changes: object = {}) => ({
  id,
  description: 'a rule',
  match: { tools: ['file.read'], tiers: ['TIER_0_READONLY'] },
  effect: 'approve',
  ...changes,
})

const file = (...rules: object[]) => JSON.stringify({ description: 'a file', default: 'deny', rules })

function write(text: string, name = 'a.json', mode = 0o600): void {
  writeFileSync(join(folder, `.${name}.tmp`), text, { mode })
  renameSync(join(folder, `.${name}.tmp`), join(folder, name))
}

const read: CallFacts = {
  tool: 'file.read',
  tier: 'TIER_0_READONLY',
  principal: 'local',
  program: null,
  origin: null,
}
const decisionOf = (policy: Policy, facts = read) => judge(policy, facts).decision

function problemOf(from: PolicyStore): string | undefined {
  from.current()
  return from.problems()[0]
}

/** Each refused form of a policy, and what is said about it. */
const BAD: readonly (readonly [string, string, RegExp])[] = [
  ['broken JSON', '{', /not valid JSON/],
  ['an empty file', '', /not valid JSON/],
  ['no default', JSON.stringify({ description: 'x', rules: [] }), /default/],
  ['default allow', JSON.stringify({ description: 'x', default: 'approve', rules: [] }), /default/],
  [
    'an unknown field',
    JSON.stringify({ description: 'x', default: 'deny', rules: [], mode: 'open' }),
    /additional/,
  ],
  ['an unknown effect', file(rule('one', { effect: 'allow' })), /effect/],
  ['an unknown tool', file(rule('one', { match: { tools: ['file.delete'] } })), /tools/],
  ['no tools', file(rule('one', { match: { tiers: ['TIER_0_READONLY'] } })), /tools/],
  [
    'a life above the limit',
    file(rule('one', { effect: 'require_approval', approval_seconds: 121 })),
    /121|120/,
  ],
  [
    'a key named twice',
    file(rule('one')).replace('"default":"deny"', '"default":"deny","default":"deny"'),
    /twice/,
  ],
  ['an id used twice', file(rule('one'), rule('one', { effect: 'deny' })), /used twice/],
  [
    'a destructive tool call without a person',
    file(rule('one', { match: { tools: ['shell.run'], tiers: ['TIER_3_DESTRUCTIVE'] } })),
    /without a person/,
  ],
  ['approval of every tier', file(rule('one', { match: { tools: ['shell.run'] } })), /without a person/],
  ['a shadowed rule', file(rule('one'), rule('two', { effect: 'deny' })), /two: unreachable, earlier/],
  [
    'a tier that the tool cannot have',
    file(rule('one', { match: { tools: ['file.write'], tiers: ['TIER_0_READONLY'] } })),
    /unreachable, no call/,
  ],
  [
    'a program of a tool that starts none',
    file(rule('one', { effect: 'deny', match: { tools: ['file.read'], programs: ['/usr/bin/ls'] } })),
    /unreachable, no call/,
  ],
]

for (const [what, text, complaint] of BAD) {
  test(`a policy with ${what} is rejected, and the one in force stays`, () => {
    write(file(rule('good')))
    const before = store.current()
    write(text)
    assert.equal(store.current(), before)
    assert.equal(decisionOf(store.current()), 'approved')
    assert.match(rejections[0]?.join('\n') ?? 'not rejected', complaint)
  })
}

test('a policy that others can write, that belongs to another user, or that is a link is rejected', () => {
  write(file(rule('one')), 'a.json', 0o600)
  chmodSync(join(folder, 'a.json'), 0o620)
  assert.match(problemOf(store) ?? '', /written by group/)
  const other = readPolicyFolder(folder, [(OWNERS[0] ?? 0) + 1])
  assert.ok(!other.ok && other.problems[0]?.includes('another user'))
  rmSync(join(folder, 'a.json'))
  symlinkSync(join(PUBLISHED, 'default.json'), join(folder, 'a.json'))
  assert.match(problemOf(store) ?? '', /regular file/)
})

test('without any good policy everything is denied', () => {
  assert.equal(decisionOf(store.current()), 'denied')
  write('{')
  assert.equal(decisionOf(store.current()), 'denied')
  rmSync(folder, { recursive: true })
  assert.equal(decisionOf(store.current()), 'denied')
})

test('taking the files away takes the permissions away', () => {
  write(file(rule('one')))
  assert.equal(decisionOf(store.current()), 'approved')
  rmSync(join(folder, 'a.json'))
  assert.equal(decisionOf(store.current()), 'denied')
  assert.match(rejections[0]?.[0] ?? '', /no policy rule/)
})

test('a change holds from the next call on, under a version that is the digest of the files', () => {
  write(file(rule('one')))
  const first = store.current().version
  assert.match(first, /^sha256:[0-9a-f]{64}$/)
  write(file(rule('one', { effect: 'deny' })))
  assert.equal(decisionOf(store.current()), 'denied')
  assert.notEqual(store.current().version, first)
  write(file(rule('one')))
  assert.equal(store.current().version, first)
  assert.equal(changes.length, 3)
})

test('a bad file is told once, its mending as well', () => {
  const good = file(rule('one'))
  write(good)
  store.current()
  write('{')
  for (let look = 0; look < 3; look++) store.current()
  assert.equal(rejections.length, 1)
  write(good)
  store.current()
  assert.equal(changes.at(-1), 'mended')
  assert.deepEqual(store.problems(), [])
})

test('files are asked in order of their names: a stricter one goes before', () => {
  write(file(rule('allow')), '50-allow.json')
  assert.equal(decisionOf(store.current()), 'approved')
  const match = { tools: ['file.read'], principals: ['guest'] }
  write(file(rule('no-guests', { effect: 'deny', match })), '10-guests.json')
  assert.equal(decisionOf(store.current(), { ...read, principal: 'guest' }), 'denied')
  assert.equal(decisionOf(store.current()), 'approved')
})

test('the published default policy is valid, and its schema is the one the service validates with', () => {
  const published = readPolicyFolder(PUBLISHED, [...OWNERS, 0])
  assert.ok(published.ok, JSON.stringify(published))
  const schema = JSON.parse(readFileSync(join(PUBLISHED, 'policy.schema.json'), 'utf8')) as object
  assert.deepEqual(schema, policyFileSchema())
})
