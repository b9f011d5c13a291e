import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { NOW_MS, openTestDatabase, type TestDatabase } from '../testing.ts'
import { quantise } from '../vectors/quantise.ts'
import type { ForgetBy, Forgotten } from './write-job.ts'

const SECRET = 'Zyxomolybdate'
const STEMMED = 'zyxomolybd'

/** Whether any file of the database still holds the bytes: free pages and the log included. */
function filesHold(file: string, wanted: string | Buffer): string[] {
  return [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]
    .filter((name) => existsSync(name))
    .filter((name) => readFileSync(name).includes(wanted))
}

function fill(memory: TestDatabase): void {
  const times = { created_at_ms: NOW_MS, updated_at_ms: NOW_MS }
  memory.writer.commit(
    Array.from({ length: 300 }, (_, n) => {
      const content = `ordinary entry ${n} about the weather, day ${n % 7}`
      return {
        kind: 'store',
        draft: { type: 'turn', content, metadata: '{}', session_id: `s${n % 9}`, ...times },
      }
    }),
  )
}

function forget(memory: TestDatabase, by: ForgetBy): Forgotten {
  return memory.write({ kind: 'forget', by })
}

test('the search for bytes finds what is there: in the table, in the index, in the log', (t) => {
  const memory = openTestDatabase(t)
  memory.store(`my word is ${SECRET}`)
  assert.notDeepEqual(filesHold(memory.file, SECRET), [])
  memory.index()
  assert.notDeepEqual(filesHold(memory.file, STEMMED), [])
})

for (const [what, by] of [
  ['id', (id: string): ForgetBy => ({ kind: 'id', id })],
  ['conversation', (): ForgetBy => ({ kind: 'session', sessionId: 'private' })],
  ['query', (): ForgetBy => ({ kind: 'query', query: SECRET })],
] as const) {
  for (const indexed of [true, false]) {
    test(`forget by ${what}, ${indexed ? 'indexed' : 'not yet indexed'}: no byte of it is left in any file`, (t) => {
      const memory = openTestDatabase(t)
      fill(memory)
      const id = memory.store(`my word is ${SECRET} and a long tail ${SECRET.repeat(2000)}`, {
        session: 'private',
      })
      if (indexed) memory.index()
      fill(memory)
      const { ids, erased } = forget(memory, by(id))
      assert.deepEqual(ids, [id])
      assert.equal(erased, true)
      for (const wanted of [SECRET, STEMMED]) assert.deepEqual(filesHold(memory.file, wanted), [], wanted)
      assert.equal(memory.read({ kind: 'recall', id }), null)
      assert.deepEqual(memory.search(SECRET), [])
    })
  }
}

test('vectors are erased with their memory', (t) => {
  const memory = openTestDatabase(t)
  const id = memory.store('something with a meaning')
  const values = Array.from({ length: 256 }, (_, n) => Math.sin(n * n + 1))
  const vector = quantise(values)
  const { updated_at_ms } = memory.read({ kind: 'recall', id }) ?? { updated_at_ms: 0 }
  assert.equal(
    memory.write({ kind: 'put_vectors', vectors: [{ id, updated_at_ms, model: 'm', ...vector }] }),
    1,
  )
  const bytes = Buffer.from(vector.components)
  assert.notDeepEqual(filesHold(memory.file, bytes), [])
  forget(memory, { kind: 'id', id })
  assert.deepEqual(filesHold(memory.file, bytes), [])
  assert.deepEqual(filesHold(memory.file, Buffer.from(vector.signature)), [])
})

test('replaced content leaves nothing behind once the log is cut', (t) => {
  const memory = openTestDatabase(t)
  const id = memory.store(`the plan is ${SECRET}`)
  memory.index()
  memory.write({
    kind: 'replace',
    id,
    change: { content: 'the plan is off', type: undefined, metadata: undefined },
    nowMs: 5,
  })
  memory.writer.close()
  assert.deepEqual(filesHold(memory.file, SECRET), [])
  assert.deepEqual(filesHold(memory.file, STEMMED), [])
})

test('while a reader holds the log, forget says that it is not erased yet, and finishes when the reader is gone', (t) => {
  const memory = openTestDatabase(t)
  const id = memory.store(`my word is ${SECRET}`)
  memory.index()
  const holder = new Database(memory.file, { readonly: true })
  t.after(() => holder.close())
  holder.exec('BEGIN')
  holder.prepare('SELECT count(*) FROM memories').get()
  assert.deepEqual(forget(memory, { kind: 'id', id }), { ids: [id], hasRest: false, erased: false })
  assert.equal(memory.read({ kind: 'recall', id }), null, 'gone for every new reader at once')
  holder.exec('COMMIT')
  memory.index()
  assert.deepEqual(filesHold(memory.file, SECRET), [])
})

for (const [what, by] of [
  ['conversation', { kind: 'session', sessionId: 'private' }],
  ['query', { kind: 'query', query: SECRET }],
] as const satisfies readonly (readonly [string, ForgetBy])[]) {
  test(`much that is forgotten by ${what} goes in parts; after a restart the same again finishes it`, (t) => {
    const memory = openTestDatabase(t)
    fill(memory)
    const ids = Array.from({ length: 300 }, (_, n) =>
      memory.store(`${SECRET} number ${n}`, { session: 'private' }),
    )
    ids.push(memory.store(`${SECRET} `.repeat(10_000), { session: 'private' }))
    const parts = [forget(memory, by)]
    memory.writer.close()
    memory.index()
    while (parts.at(-1)?.hasRest === true) parts.push(forget(memory, by))
    assert.deepEqual(
      parts.map((part) => part.ids.length),
      [128, 128, 44, 1],
    )
    assert.deepEqual(
      parts.flatMap((part) => part.ids),
      ids,
    )
    for (const wanted of [SECRET, STEMMED]) assert.deepEqual(filesHold(memory.file, wanted), [], wanted)
    assert.equal(memory.writer.commit([]).items, 300)
  })
}

test('forget by query takes only what holds every word, in any form of it', (t) => {
  const memory = openTestDatabase(t)
  const both = memory.store('Anna paints boats')
  const other = memory.store('Anna sails')
  memory.index()
  const pending = memory.store('painting by ANNA')
  assert.deepEqual([...forget(memory, { kind: 'query', query: 'anna painted' }).ids], [both, pending])
  assert.deepEqual(memory.search('anna'), [other])
})

test('after any forgetting the full-text index agrees with the table', (t) => {
  const memory = openTestDatabase(t)
  fill(memory)
  memory.index()
  forget(memory, { kind: 'session', sessionId: 's3' })
  forget(memory, { kind: 'query', query: 'day 5' })
  fill(memory)
  memory.index()
  memory.writer.close()
  const db = new Database(memory.file)
  t.after(() => db.close())
  db.exec("INSERT INTO memories_fts (memories_fts, rank) VALUES ('integrity-check', 1)")
  assert.equal(db.pragma('integrity_check', { simple: true }), 'ok')
  assert.deepEqual(db.pragma('foreign_key_check'), [])
})
