import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { GroupWriter } from '../writing/group-writer.ts'
import { openTestDatabase } from '../testing.ts'

/** Permissions do not bind root: what must obey them runs as nobody. */
function asOrdinaryUser<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}

test('a database that may not be written: 503 with its reason, reading goes on, nothing is lost', (t) => {
  const memory = openTestDatabase(t)
  const id = memory.store('the heron waits')
  memory.index()
  memory.writer.close()
  chmodSync(memory.file, 0o444)
  chmodSync(dirname(memory.file), 0o555)
  const settings = { file: memory.file, busyTimeoutMs: 0, bytesMax: 0 }
  const [outcome] = asOrdinaryUser(() => {
    const writer = new GroupWriter({ settings, makeId: () => id, monotonicMs: () => 0 })
    return writer.commit([{ kind: 'delete', id }]).outcomes
  })
  chmodSync(dirname(memory.file), 0o755)
  assert.equal(outcome?.ok === false ? outcome.error.code : 'written', 'UNAVAILABLE')
  assert.equal(outcome?.ok === false ? outcome.error.details?.['reason'] : '', 'DATABASE_READONLY')
  assert.equal(memory.read({ kind: 'recall', id })?.content, 'the heron waits')
})
