import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { NOW_MS, openTestDatabase, type TestDatabase } from '../testing.ts'
import { matchAny } from './match-expression.ts'
import { queryTerms } from './query-terms.ts'

const DAY_MS = 86_400_000

/** Zipf-like texts from a seeded generator: some words in nearly every text, many in few. */
function fillWithTexts(memory: TestDatabase, count: number): void {
  let state = 42
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const drafts = Array.from({ length: count }, (_, n) => {
    const length = 5 + Math.floor(random() * 30)
    const content = Array.from({ length }, () => `w${Math.floor(random() ** 4 * 3000)}q`).join(' ')
    const id = `mem_${n.toString(16).padStart(12, '0')}`
    return {
      id,
      type: 'turn',
      content,
      metadata: '{}',
      session_id: null,
      created_at_ms: NOW_MS,
      updated_at_ms: NOW_MS,
    }
  })
  memory.write({ kind: 'import', drafts })
}

/** Pieces of any query: noise, syntax of FTS5 and SQL, words that are stored, days that do not exist. */
const FRAGMENT = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    '"',
    '""',
    "'",
    '*',
    '^',
    ':',
    '(',
    ')',
    '{',
    '}',
    '+',
    '-',
    '\0',
    '%',
    '_',
    '\\',
    ';',
    '--',
  ),
  fc.constantFrom(
    'alpha',
    'AND',
    'OR',
    'NOT',
    'NEAR(',
    'content:',
    'rowid',
    'memories_fts',
    'rank',
    '12 May',
  ),
  fc.constantFrom('99999999999999999999', '31.02.2026', 'in 999 weeks', 'last sunday', '\ud800', '\uffff'),
)

describe('the planner', () => {
  test('no text makes it throw, inject, or answer more than the limit', (t) => {
    const memory = openTestDatabase(t)
    memory.store('alpha beta "quoted" AND OR NOT NEAR', { session: 's' })
    memory.index()
    memory.store('gamma pending')
    fc.assert(
      fc.property(fc.array(FRAGMENT, { maxLength: 12 }), fc.integer({ min: 1, max: 100 }), (parts, limit) => {
        assert.ok(memory.search(parts.join(' '), { limit }).length <= Math.min(limit, 2))
        assert.ok(memory.search(parts.join(''), { limit, sessionId: 's' }).length <= 1)
      }),
      { numRuns: 300 },
    )
    assert.equal(memory.read({ kind: 'stats' }).items, 2)
  })

  test('no text becomes syntax: the expression that is sent parses and holds only its words', () => {
    const db = new Database(':memory:')
    db.exec(
      "CREATE VIRTUAL TABLE f USING fts5(content, other, tokenize='porter unicode61 remove_diacritics 2')",
    )
    db.prepare("INSERT INTO f VALUES ('unrelated', 'secret')").run()
    const match = db.prepare('SELECT count(*) FROM f WHERE f MATCH ?').pluck()
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 8 }),
        (words) => {
          const holds = words.some((word) => /unrelat|secret/i.test(word.normalize('NFKD')))
          assert.equal(match.get(matchAny(words)), holds ? 1 : 0)
        },
      ),
      { numRuns: 500 },
    )
    for (const word of ['secret" OR "x', 'other:secret', '{other}: secret', 'secr*']) {
      assert.equal(
        match.get(matchAny([`"${word}`])),
        /\bsecret\b/.test(word) && !word.includes('OR') ? match.get(matchAny([word])) : 0,
      )
    }
  })
})

describe('the order of the planner', () => {
  test('the best ten are those of an exhaustive bm25(), also where words are common', (t) => {
    const memory = openTestDatabase(t)
    fillWithTexts(memory, 6000)
    const db = new Database(memory.file, { readonly: true })
    t.after(() => db.close())
    const raw = db.prepare('SELECT rowid, -rank FROM memories_fts WHERE memories_fts MATCH ?').raw()
    const plain = {
      adjacent: { after: [], before: [], hits: 0 },
      exactName: 0,
      day: 0,
      writtenDay: 0,
      recency: 0,
    }
    for (const query of [
      'w900q w1400q',
      'w30q w2500q w700q',
      'w1q w2000q',
      'w0q w1q w1800q w450q',
      'w250q',
    ]) {
      const exhaustive = new Map(raw.all(matchAny(query.split(' '))) as [number, number][])
      const tenth = [...exhaustive.values()].toSorted((left, right) => right - left)[9] ?? 0
      const request = {
        query,
        limit: 10,
        type: undefined,
        sessionId: undefined,
        nowMs: NOW_MS,
        vector: undefined,
      }
      const found = memory.reader.search(request, plain)
      assert.equal(found.length, 10, query)
      for (const { row } of found) {
        const score = exhaustive.get(row.seq) ?? 0
        assert.ok(score >= tenth * (1 - 1e-9), `${query}: ${score} < ${tenth}`)
      }
    }
  })

  test('a query of common words alone is answered with what holds all of them', (t) => {
    const memory = openTestDatabase(t)
    const drafts = Array.from({ length: 4000 }, (_, n) => ({
      id: `mem_${n.toString(16).padStart(12, '0')}`,
      type: 'turn',
      content:
        n % 40 === 0
          ? `common ordinary usual ${n}`
          : n % 2 === 0
            ? `common ordinary ${n}`
            : `usual common ${n}`,
      metadata: '{}',
      session_id: null,
      created_at_ms: NOW_MS,
      updated_at_ms: NOW_MS,
    }))
    for (let copy = 0; copy < 20; copy++) {
      const more = drafts.map((draft) => ({
        ...draft,
        id: draft.id.replace('mem_00', `mem_${copy.toString(16).padStart(2, '0')}`),
      }))
      memory.write({ kind: 'import', drafts: more })
    }
    const found = memory.search('common ordinary usual')
    assert.equal(found.length, 10)
    for (const id of found) {
      assert.match(memory.read({ kind: 'recall', id })?.content ?? '', /^common ordinary usual/)
    }
  })
})

describe('the words of a query', () => {
  test('stop words are dropped, unless nothing else is left or they are used as names', () => {
    const words = (query: string, names?: ReadonlySet<string>) =>
      queryTerms(query, names).map(({ word }) => word)
    assert.deepEqual(words('what did the fox say to me'), ['fox', 'say'])
    assert.deepEqual(words('to be or not to be'), ['to', 'be', 'or', 'not'])
    assert.deepEqual(words('what did Will say', new Set(['will'])), ['will', 'say'])
  })
})

describe('what is found beside the words', () => {
  test('the answer that follows a matching question in the same conversation', (t) => {
    const memory = openTestDatabase(t)
    memory.store('Have you decided about the honeymoon in Lisbon?', { session: 'a' })
    memory.store('something else entirely', { session: 'b' })
    const answer = memory.store('Yes, we took the early train.', { session: 'a' })
    const stranger = memory.store('No, never.', { session: 'b' })
    memory.index()
    const found = memory.search('honeymoon Lisbon decision')
    assert.ok(found.includes(answer))
    assert.ok(!found.includes(stranger))
  })

  test('a memory that speaks of the day the question names, however it says so', (t) => {
    const memory = openTestDatabase(t)
    const writtenAtMs = Date.UTC(2026, 4, 13, 9)
    const yesterday = memory.store('Yesterday I bought a cello.', { atMs: writtenAtMs })
    memory.store('I bought a cello in winter.', { atMs: writtenAtMs - 90 * DAY_MS })
    memory.index()
    for (const query of [
      'What happened on 12 May 2026?',
      'Was there anything on 2026-05-12?',
      'May 12, 2026',
    ]) {
      assert.equal(memory.search(query)[0], yesterday, query)
    }
  })

  test('a name or code in exactly the form of the question comes before what only sounds alike', (t) => {
    const memory = openTestDatabase(t)
    const name = memory.store('Mark said the rent is due')
    memory.store('the mark of the rent marks marked')
    const code = memory.store('locker QX-4471 is broken')
    memory.store('locker 4471 QX')
    for (let n = 0; n < 30; n++) memory.store(`some words of the weather on day ${n}`)
    memory.index()
    assert.equal(memory.search('what did Mark say about rent')[0], name)
    assert.equal(memory.search('which locker is QX-4471')[0], code)
  })

  test('of two equal memories the newer comes first', (t) => {
    const memory = openTestDatabase(t)
    memory.store('my door code is short', { atMs: NOW_MS - 100 * DAY_MS })
    for (let n = 0; n < 20; n++) memory.store(`filler ${n}`)
    const newer = memory.store('my door code is short')
    memory.index()
    assert.equal(memory.search('door code')[0], newer)
  })
})

describe('what is no evidence', () => {
  const QUESTION = 'What is the code of my locker?'

  function askOften(t: TestContext, times: number): { readonly memory: TestDatabase; readonly fact: string } {
    const memory = openTestDatabase(t)
    const fact = memory.store('The code of my locker is 4471', { session: 'long ago' })
    for (let n = 0; n < times; n++) {
      memory.store(n % 2 === 0 ? QUESTION : 'what is the CODE of my locker', { session: `s${n}` })
      memory.store('A memory says: the code of my locker is 4471.', { session: `s${n}`, standIn: true })
      memory.index()
    }
    return { memory, fact }
  }

  test('the same question asked before and what the stand-in quoted then are left out, however often', (t) => {
    const { memory, fact } = askOften(t, 150)
    assert.deepEqual(memory.search(QUESTION, { limit: 3, evidenceOnly: true }), [fact])
    assert.equal(memory.search(QUESTION, { limit: 3 }).includes(fact), false)
  })

  test('another question about the same and an answer of a real model stay', (t) => {
    const { memory, fact } = askOften(t, 1)
    const other = memory.store('Which locker is mine, and what code has it?')
    const answer = memory.store('Your locker opens with 4471.')
    const found = memory.search(QUESTION, { evidenceOnly: true })
    assert.deepEqual(found.toSorted(), [fact, other, answer].toSorted())
  })
})
