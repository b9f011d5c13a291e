import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { createStatements } from '../database/statements.ts'
import { createTimingLog } from '../database/timings.ts'
import { openTestDatabase, type TestDatabase } from '../testing.ts'
import { readCollection } from './collection.ts'
import { ConversationLinks } from './conversation-links.ts'

fc.configureGlobal({ seed: 20261124 })

const SEQS_MAX = 60

/** The links of one thread beside what the table itself says of every indexed memory. */
function observe(t: TestContext, memory: TestDatabase, followedRowsMax?: number) {
  memory.writer.commit([])
  const db = new Database(memory.file, { readonly: true })
  t.after(() => db.close())
  const statement = createStatements(db, createTimingLog(0))
  const links = new ConversationLinks(followedRowsMax)
  const after = db.prepare(
    `SELECT n.seq FROM memories AS m, memories AS n
     WHERE m.seq = ? AND n.session_id = m.session_id AND n.seq > m.seq AND n.seq <= ? ORDER BY n.seq LIMIT 3`,
  )
  const before = db.prepare(
    `SELECT n.seq FROM memories AS m, memories AS n
     WHERE m.seq = ? AND n.session_id = m.session_id AND n.seq < m.seq ORDER BY n.seq DESC LIMIT 2`,
  )
  return {
    quietMoment(steps = Number.POSITIVE_INFINITY) {
      const collection = readCollection(statement)
      links.follow(collection, statement)
      for (let step = 0; step < steps && links.loadSome(collection, statement, 5); step++);
    },
    /** How many memories it knows; fails where it knows them wrong. */
    check(): number {
      const collection = readCollection(statement)
      links.follow(collection, statement)
      let known = 0
      for (let seq = 1; seq <= SEQS_MAX; seq++) {
        if (!links.knows(seq, collection)) continue
        known++
        assert.deepEqual(links.after(seq, 3), after.pluck().all(seq, collection.indexedSeq), `after ${seq}`)
        assert.deepEqual(links.before(seq, 2), before.pluck().all(seq), `before ${seq}`)
      }
      return known
    },
  }
}

/** What happens to the table, by the name of the step and a number that chooses whom it meets. */
const STEPS: Readonly<Record<string, (memory: TestDatabase, ids: string[], at: number) => void>> = {
  store: (memory, ids, at) => ids.push(memory.store('text', at % 3 === 2 ? {} : { session: `s${at % 3}` })),
  delete: (memory, ids, at) => remove(memory, ids, at % Math.max(1, ids.length)),
  'delete last': (memory, ids) => remove(memory, ids, Math.max(0, ids.length - 1)),
  replace(memory, ids, at) {
    const change = { content: `other ${at}`, type: undefined, metadata: undefined }
    memory.write({ kind: 'replace', id: ids[at % Math.max(1, ids.length)] ?? '', change, nowMs: 1 })
  },
  forget(memory, ids, at) {
    const by = { kind: 'session', sessionId: `s${at % 2}` } as const
    const gone = new Set(memory.write({ kind: 'forget', by }).ids)
    ids.splice(0, ids.length, ...ids.filter((id) => !gone.has(id)))
  },
  index: (memory) => memory.index(),
}

function remove(memory: TestDatabase, ids: string[], at: number): void {
  for (const id of ids.splice(at, 1)) memory.write({ kind: 'delete', id })
}

test('whatever is stored, removed and indexed in between: the links are those of the table', (t) => {
  const kind = fc.constantFrom(...Object.keys(STEPS), 'delete', 'store', 'index', 'search', 'some', 'all')
  const steps = fc.array(fc.tuple(kind, fc.nat(20)), { minLength: 15, maxLength: 30 })
  let known = 0
  fc.assert(
    fc.property(steps, (chosen) => {
      const memory = openTestDatabase(t)
      const observers = [observe(t, memory), observe(t, memory, 1)]
      const ids: string[] = []
      for (let n = 0; n < 9; n++) STEPS['store']?.(memory, ids, n)
      memory.index()
      for (const [name, at] of chosen) {
        STEPS[name]?.(memory, ids, at)
        for (const observer of observers) {
          if (name === 'search') known += observer.check()
          if (name === 'some') observer.quietMoment(1)
          if (name === 'all') observer.quietMoment()
        }
      }
      memory.index()
      for (const observer of observers) known += observer.check()
    }),
    { numRuns: 50 },
  )
  assert.ok(known > 200, `knew ${known} memories`)
})

test('after a quiet moment every indexed memory is known; new ones are followed at once, a flood of them later', (t) => {
  const memory = openTestDatabase(t)
  const observer = observe(t, memory)
  const storeSome = (count: number) => {
    for (let n = 0; n < count; n++) memory.store('text', { session: `s${n % 3}` })
    memory.index()
  }
  storeSome(10)
  observer.quietMoment()
  assert.equal(observer.check(), 10)
  storeSome(20)
  assert.equal(observer.check(), 30)
  storeSome(120)
  assert.equal(observer.check(), 0)
  observer.quietMoment()
  assert.equal(observer.check(), SEQS_MAX)
})

test('neighbours are found alike with links, without them, and among turns that are not indexed yet', (t) => {
  const memory = openTestDatabase(t)
  const turns = ['the quetzal question', 'an answer', 'another', 'a third'].map((text) =>
    memory.store(text, { session: 'a' }),
  )
  const withoutAny = memory.search('quetzal')
  memory.index()
  const withoutLinks = memory.search('quetzal')
  while (memory.reader.prepare());
  const withLinks = memory.search('quetzal')
  assert.deepEqual(withLinks, turns)
  assert.deepEqual([withoutAny, withoutLinks], [turns, turns])
  const more = openTestDatabase(t)
  const question = more.store('the quetzal question', { session: 'a' })
  more.index()
  more.search('quetzal')
  while (more.reader.prepare());
  const answer = more.store('an answer', { session: 'a' })
  assert.deepEqual(more.search('quetzal'), [question, answer])
})
