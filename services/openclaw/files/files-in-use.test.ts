import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { buildOpenclaw, policyDouble } from '../testing.ts'
import { createFilesInUse } from './files-in-use.ts'

const isConflict = (error: unknown) => error instanceof ServiceError && error.code === 'CONFLICT'

const MEETING: readonly (readonly [string, string])[] = [
  ['a.txt', 'a.txt'],
  ['docs', 'docs/a.txt'],
  ['docs/a.txt', 'docs'],
  ['.', 'docs/a.txt'],
]
for (const [operand, written] of MEETING) {
  test(`${operand} of an approved call and ${written} being written exclude each other`, () => {
    const files = createFilesInUse()
    const endCall = files.holdOperands([operand])
    assert.throws(() => files.beginWrite(written), isConflict)
    endCall()
    const endWrite = files.beginWrite(written)
    assert.throws(() => files.holdOperands(['other', operand]), isConflict)
    endWrite()
    endWrite()
    files.holdOperands([operand])()
  })
}

test('files that have nothing to do with each other, and calls of the same kind, do not', () => {
  const files = createFilesInUse()
  files.holdOperands(['docs'])
  files.holdOperands(['docs', 'docs/a.txt'])
  files.beginWrite('docs.txt')
  files.beginWrite('docs.txt')
  files.beginWrite('do')
})

test('nobody rewrites the operand of an approved call between the look at it and the end of the call', async () => {
  const policy = policyDouble()
  const writes: number[] = []
  const call: typeof policy.neighbours.call = async (to, request, context) => {
    if (!request.path.endsWith('/redeem')) return policy.neighbours.call(to, request, context)
    const { envelope } = request.body as { envelope: { argv: readonly string[] } }
    writes.push((await openclaw.execute('file.write', { path: 'a.txt', content: 'another' })).status)
    const body = { status: 'redeemed', argv: envelope.argv, envelope }
    return { status: 200, body: body as never, headers: {}, durationMs: 0 }
  }
  const openclaw = await buildOpenclaw({}, { ...policy, neighbours: { ...policy.neighbours, call } })
  const path = (name: string) => join(openclaw.home, 'sandbox', name)
  writeFileSync(path('a.txt'), 'approved')
  const answer = await openclaw.execute(
    'shell.run',
    { command: 'cp a.txt b.txt' },
    { approval_token: 'apr_0123456789abcdef' },
  )
  assert.deepEqual([answer.status, writes], [200, [409]])
  assert.equal(readFileSync(path('b.txt'), 'utf8'), 'approved')
  assert.equal((await openclaw.execute('file.write', { path: 'a.txt', content: 'later' })).status, 200)
  await openclaw.stop()
})
