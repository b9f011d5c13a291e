import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import Database from 'better-sqlite3'
import { NOW_MS, openTestDatabase } from '../testing.ts'
import { unpackTimings } from '../database/timings.ts'
import type { WriteOperation } from './write-job.ts'

fc.configureGlobal({ seed: 20261124 })

function storing(content: string): WriteOperation {
  const draft = {
    type: 'turn',
    content,
    metadata: '{}',
    session_id: null,
    created_at_ms: NOW_MS,
    updated_at_ms: NOW_MS,
  }
  return { kind: 'store', draft }
}

test('the database is durable at every commit, erases what is deleted, and checks references', (t) => {
  const memory = openTestDatabase(t)
  memory.store('x')
  const settings = memory.writer.settings()
  assert.deepEqual(settings, {
    journal_mode: 'wal',
    synchronous: 2,
    secure_delete: 1,
    foreign_keys: 1,
    mmap_size: 0,
  })
})

test('a group is one transaction with one commit', (t) => {
  const memory = openTestDatabase(t)
  memory.writer.commit([])
  const reply = memory.writer.commit(Array.from({ length: 16 }, (_, n) => storing(`entry ${n}`)))
  assert.equal(reply.outcomes.filter(({ ok }) => ok).length, 16)
  const operations = unpackTimings(reply.timings).map(({ operation }) => operation)
  assert.equal(operations.filter((operation) => operation === 'commit').length, 1)
  assert.equal(operations.filter((operation) => operation === 'store').length, 16)
})

test('one that fails in a group fails alone', (t) => {
  const memory = openTestDatabase(t)
  const { outcomes } = memory.writer.commit([
    storing('first'),
    { kind: 'forget', by: { kind: 'query', query: '!!!' } },
    storing('last'),
  ])
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true, false, true],
  )
  assert.equal(memory.read({ kind: 'stats' }).items, 2)
})

test('an id that is already taken is drawn again, and nothing is overwritten', (t) => {
  const ids = ['mem_000000000001', 'mem_000000000001', 'mem_000000000001', 'mem_000000000002']
  const memory = openTestDatabase(t, { ids: () => ids.shift() ?? 'mem_ffffffffffff' })
  assert.equal(memory.store('first'), 'mem_000000000001')
  assert.equal(memory.store('second'), 'mem_000000000002')
  assert.equal(memory.read({ kind: 'recall', id: 'mem_000000000001' })?.content, 'first')
})

test('without a free id the memory is refused, not written over another', (t) => {
  const memory = openTestDatabase(t, { ids: () => 'mem_000000000001' })
  memory.store('first')
  assert.throws(() => memory.store('second'), { code: 'INTERNAL_ERROR' })
  assert.equal(memory.read({ kind: 'stats' }).items, 1)
})

test('rows that the index does not hold yet are found all the same, and found alike afterwards', (t) => {
  const memory = openTestDatabase(t)
  const ids = ['the red fox jumps', 'foxes jumping high', 'no such animal'].map((content) =>
    memory.store(content),
  )
  const before = memory.search('fox jump')
  memory.index()
  assert.deepEqual(before.toSorted(), ids.slice(0, 2).toSorted())
  assert.deepEqual(memory.search('fox jump').toSorted(), before.toSorted())
})

test('a row that takes the number of a deleted one is indexed, too', (t) => {
  const memory = openTestDatabase(t)
  memory.store('first')
  const last = memory.store('second')
  memory.index()
  memory.write({ kind: 'delete', id: last })
  const next = memory.store('third walrus')
  assert.deepEqual(memory.search('walrus'), [next])
  memory.index()
  assert.deepEqual(memory.search('walrus'), [next])
})

test('what was pending when the process ended is indexed after the next start', (t) => {
  const memory = openTestDatabase(t)
  const id = memory.store('late arrival')
  const db = new Database(memory.file)
  t.after(() => db.close())
  const indexed = () =>
    db.prepare("SELECT count(*) FROM memories_fts WHERE memories_fts MATCH 'arrival'").pluck().get()
  assert.equal(indexed(), 0)
  memory.writer.close()
  assert.equal(indexed(), 1)
  assert.deepEqual(memory.search('arrival'), [id])
})

test('whatever is stored, replaced, deleted and imported: search, table and index agree', (t) => {
  const word = fc.constantFrom('alpha', 'beta', 'gamma', 'delta', 'omega')
  const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '))
  const step = fc.oneof(
    fc.record({ do: fc.constant('store' as const), text }),
    fc.record({ do: fc.constant('replace' as const), text, at: fc.nat(20) }),
    fc.record({ do: fc.constant('delete' as const), at: fc.nat(20) }),
    fc.record({ do: fc.constant('index' as const) }),
    fc.record({ do: fc.constant('import' as const), text, at: fc.nat(1000) }),
  )
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const memory = openTestDatabase(t)
      const expected = new Map<string, string>()
      const idAt = (at: number) => [...expected.keys()][at % Math.max(1, expected.size)] ?? 'mem_ffffffffffff'
      for (const action of steps) {
        switch (action.do) {
          case 'store':
            expected.set(memory.store(action.text), action.text)
            break
          case 'replace': {
            const id = idAt(action.at)
            const change = { content: action.text, type: undefined, metadata: undefined }
            if (memory.write({ kind: 'replace', id, change, nowMs: 1 }) !== null)
              expected.set(id, action.text)
            break
          }
          case 'delete':
            if (memory.write({ kind: 'delete', id: idAt(action.at) })) expected.delete(idAt(action.at))
            break
          case 'import': {
            const id = `mem_9${action.at.toString(16).padStart(11, '0')}`
            const draft = { id, type: 'turn', content: action.text, metadata: '{}', session_id: null }
            const times = { created_at_ms: 1, updated_at_ms: 1 }
            const { imported } = memory.write({ kind: 'import', drafts: [{ ...draft, ...times }] })
            if (imported === 1) expected.set(id, action.text)
            break
          }
          case 'index':
            memory.index()
        }
      }
      for (const wanted of ['alpha', 'omega']) {
        const holding = [...expected]
          .filter(([, content]) => content.split(' ').includes(wanted))
          .map(([id]) => id)
        assert.deepEqual(memory.search(wanted, { limit: 100 }).toSorted(), holding.toSorted())
      }
      assert.equal(memory.read({ kind: 'stats' }).items, expected.size)
      assert.equal(memory.writer.commit([]).items, expected.size)
      memory.index()
      const db = new Database(memory.file)
      db.exec("INSERT INTO memories_fts (memories_fts, rank) VALUES ('integrity-check', 1)")
      db.close()
    }),
    { numRuns: 25 },
  )
})
