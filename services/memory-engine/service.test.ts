import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type MemoryService, startMemoryEngine } from './testing.ts'

let memory: MemoryService
before(async () => {
  memory = await startMemoryEngine()
})
after(() => memory.stop())

async function stored(content: string, more: object = {}): Promise<string> {
  const { status, body, text } = await memory.call('POST', '/store', { type: 'fact', content, ...more })
  assert.equal(status, 200, text)
  return body.id
}

async function found(query: string, more: object = {}): Promise<readonly string[]> {
  const { status, body, text } = await memory.call('POST', '/search', { query, ...more })
  assert.equal(status, 200, text)
  return body.results.map(({ id }) => id)
}

async function refused(
  request: Promise<{ status: number; body: { error: { code: string } }; text: string }>,
) {
  const { status, body, text } = await request
  assert.ok(status >= 400, text)
  return `${status} ${body.error.code}`
}

describe('who may come in', () => {
  test('a caller without a service token is refused everywhere', async () => {
    for (const [method, url] of [
      ['POST', '/store'],
      ['POST', '/search'],
      ['GET', '/recall/mem_000000000000'],
      ['PUT', '/recall/mem_000000000000'],
      ['DELETE', '/recall/mem_000000000000'],
      ['POST', '/forget'],
      ['GET', '/query/by-type/fact'],
      ['GET', '/query/stats'],
      ['GET', '/export'],
      ['POST', '/import'],
    ] as const) {
      const answer = await memory.app.inject({ method, url })
      assert.equal(answer.statusCode, 401, `${method} ${url}`)
    }
  })
})

const VALID = { type: 'fact', content: 'text' }
const BAD_STORES: readonly (readonly [what: string, body: object | string, expected: string])[] = [
  ['no type', { content: 'text' }, '422 INVALID_ARGUMENT'],
  ['no content', { type: 'fact' }, '422 INVALID_ARGUMENT'],
  ['content a number', { ...VALID, content: 5 }, '422 INVALID_ARGUMENT'],
  ['content null', { ...VALID, content: null }, '422 INVALID_ARGUMENT'],
  ['content a list', { ...VALID, content: ['text'] }, '422 INVALID_ARGUMENT'],
  ['content empty', { ...VALID, content: '' }, '400 INVALID_ARGUMENT'],
  ['type empty', { ...VALID, type: '' }, '400 INVALID_ARGUMENT'],
  ['type with a space', { ...VALID, type: 'a b' }, '400 INVALID_ARGUMENT'],
  ['type too long', { ...VALID, type: 'a'.repeat(65) }, '400 INVALID_ARGUMENT'],
  ['an unknown field', { ...VALID, extra: 1 }, '400 INVALID_ARGUMENT'],
  ['session a path', { ...VALID, session_id: '../../etc' }, '400 INVALID_ARGUMENT'],
  ['a lone surrogate', '{"type":"fact","content":"a\\ud800b"}', '400 INVALID_ARGUMENT'],
  ['NUL in the content', { ...VALID, content: 'a\0b' }, '400 INVALID_ARGUMENT'],
  ['content too long', { ...VALID, content: 'a'.repeat(262_145) }, '413 TOO_LARGE'],
  ['metadata too long', { ...VALID, metadata: { a: 'a'.repeat(16_385) } }, '413 TOO_LARGE'],
  ['a body over 1 MiB', { ...VALID, content: 'a'.repeat(1_100_000) }, '413 TOO_LARGE'],
  ['not JSON', '{"type":', '400 INVALID_ARGUMENT'],
  ['a list', '[]', '422 INVALID_ARGUMENT'],
]

const BAD_SEARCHES = [
  ['no query', {}, '422 INVALID_ARGUMENT'],
  ['query a number', { query: 7 }, '422 INVALID_ARGUMENT'],
  ['query empty', { query: '' }, '400 INVALID_ARGUMENT'],
  ['query too long', { query: 'a '.repeat(70_000) }, '413 TOO_LARGE'],
  ['query with a lone surrogate', '{"query":"a\\udfff"}', '400 INVALID_ARGUMENT'],
  ['limit negative', { query: 'a', limit: -1 }, '400 INVALID_ARGUMENT'],
  ['limit zero', { query: 'a', limit: 0 }, '400 INVALID_ARGUMENT'],
  ['limit huge', { query: 'a', limit: 1e9 }, '400 INVALID_ARGUMENT'],
  ['limit half', { query: 'a', limit: 1.5 }, '400 INVALID_ARGUMENT'],
  ['limit a text', { query: 'a', limit: '5' }, '400 INVALID_ARGUMENT'],
  ['evidence_only a text', { query: 'a', evidence_only: 'yes' }, '400 INVALID_ARGUMENT'],
  ['mode unknown', { query: 'a', mode: 'magic' }, '400 INVALID_ARGUMENT'],
  ['type with a quote', { query: 'a', type: "x' OR 1=1" }, '400 INVALID_ARGUMENT'],
] as const

describe('bad input is refused with its code, and nothing of it is stored', () => {
  for (const [what, body, expected] of BAD_STORES) {
    test(`store: ${what}`, async () => {
      const before = await memory.call('GET', '/query/stats')
      assert.equal(await refused(memory.call('POST', '/store', body)), expected)
      const afterwards = await memory.call('GET', '/query/stats')
      assert.equal(afterwards.body.items, before.body.items)
    })
  }

  test('store: metadata of the wrong type', async () => {
    for (const metadata of ['text', 5, [], null]) {
      assert.match(
        await refused(memory.call('POST', '/store', { ...VALID, metadata })),
        /^4\d\d INVALID_ARGUMENT$/,
      )
    }
  })

  test('store: bytes that are not UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from('{"type":"fact","content":"a'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ])
    assert.equal(await refused(memory.send('/store', body, 'application/json')), '400 INVALID_ARGUMENT')
  })

  test('store: another content type', async () => {
    const text = await refused(
      memory.send('/store', 'type=fact&content=text', 'application/x-www-form-urlencoded'),
    )
    assert.match(text, /^4\d\d INVALID_ARGUMENT$/)
  })

  for (const [what, body, expected] of BAD_SEARCHES) {
    test(`search: ${what}`, async () => {
      const text = await refused(memory.call('POST', '/search', body))
      assert.equal(text.replace(/^422/, expected.slice(0, 3)), expected)
    })
  }

  test('recall, replace, delete and forget of an id that does not exist: 404', async () => {
    for (const id of ['mem_ffffffffffff', 'nonsense', '%00', "' OR 1=1 --", '..%2f..']) {
      const url = `/recall/${encodeURIComponent(id)}`
      assert.equal(await refused(memory.call('GET', url)), '404 NOT_FOUND', id)
      assert.equal(await refused(memory.call('PUT', url, { content: 'x' })), '404 NOT_FOUND', id)
      assert.equal(await refused(memory.call('DELETE', url)), '404 NOT_FOUND', id)
    }
    assert.equal(await refused(memory.call('POST', '/forget', { id: 'mem_ffffffffffff' })), '404 NOT_FOUND')
  })

  test('forget: nothing named, two things named, a query without a word or of broken Unicode', async () => {
    for (const body of ['{}', '{"id":"a","query":"b"}', '{"query":"... !!!"}', '{"query":"b \\ud800"}'])
      assert.equal(await refused(memory.send('/forget', body, 'application/json')), '400 INVALID_ARGUMENT')
  })

  test('by type: negative limit, unknown place to continue from', async () => {
    assert.equal(await refused(memory.call('GET', '/query/by-type/fact?limit=-3')), '400 INVALID_ARGUMENT')
    assert.equal(
      await refused(memory.call('GET', '/query/by-type/fact?before=mem_ffffffffffff')),
      '404 NOT_FOUND',
    )
  })
})

describe('a query is data', () => {
  test('FTS5 syntax, wildcards and quotes are words like others', async () => {
    const id = await stored('The zeppelin NEAR hangar')
    for (const query of [
      'zeppelin" OR "x',
      'zeppelin*',
      'content:zeppelin',
      '{content} : zeppelin',
      'zeppelin AND NOT hangar',
      'NEAR(zeppelin, 2)',
      '^zeppelin',
      'zeppelin + -',
      "zeppelin'; DROP TABLE memories; --",
      '%zeppelin%',
      '_zeppelin_',
      'zeppelin\0hidden',
    ]) {
      assert.deepEqual(await found(query), [id], query)
    }
  })

  test('% and _ match nothing but themselves', async () => {
    assert.deepEqual(await found('%'), [])
    assert.deepEqual(await found('____'), [])
  })

  test('a query of ten thousand words is answered', async () => {
    const id = await stored('a single xylophone')
    const words = Array.from({ length: 10_000 }, (_, place) => `word${place}`)
    assert.deepEqual(await found(['xylophone', ...words].join(' ')), [id])
  })
})

describe('what was acknowledged', () => {
  test('a memory comes back as it was stored', async () => {
    const content = 'Ünïcode "quotes" \\ back\\slash\n\ttabs 日本語 🚀 %_ \'; --'
    const metadata = { nested: { list: [1, null, 'x'] }, 'key with space': true, nul: '\0' }
    const id = await stored(content, { metadata, session_id: 'ses_0123456789abcdef' })
    assert.match(id, /^mem_[0-9a-f]{12}$/)
    const { status, body } = await memory.call('GET', `/recall/${id}`)
    assert.equal(status, 200)
    assert.equal(body.content, content)
    assert.deepEqual(body.metadata, metadata)
    assert.equal(body.session_id, 'ses_0123456789abcdef')
    assert.match(body.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('a memory is found by the very next search, in another form of its words', async () => {
    for (const [content, query] of [
      ['The lighthouse keeper paints boats', 'who was painting a boat?'],
      ['My sister studies marine biology in Kiel', 'biologist studying'],
    ] as const) {
      const id = await stored(content)
      assert.equal((await found(query))[0], id, content)
    }
  })

  test('search answers in the order of the score, at most limit, filtered by type and conversation', async () => {
    const first = await stored('quokka quokka quokka', { type: 'animal', session_id: 's1' })
    const second = await stored('a quokka among many other words that say little', {
      type: 'animal',
      session_id: 's2',
    })
    const other = await stored('quokka the band', { type: 'music', session_id: 's1' })
    const { body } = await memory.call('POST', '/search', { query: 'quokka' })
    assert.equal(body.count, 3)
    assert.equal(body.mode, 'lexical')
    assert.deepEqual(
      body.results.map(({ score }) => score),
      body.results.map(({ score }) => score).toSorted((left, right) => right - left),
    )
    assert.deepEqual(await found('quokka', { type: 'music' }), [other])
    assert.deepEqual(await found('quokka', { session_id: 's2' }), [second])
    assert.deepEqual(await found('quokka', { type: 'animal', session_id: 's1' }), [first])
    assert.equal((await found('quokka', { limit: 1 })).length, 1)
  })
})

describe('what was changed, and how it is gone through', () => {
  test('evidence only: what asks the same is left out, what answers is found', async () => {
    const question = await stored('Where does the okapi sleep?', { type: 'user_turn' })
    const answer = await stored('The okapi sleeps in the barn.')
    const quoted = await stored('A memory says: the okapi sleeps.', { metadata: { stand_in: true } })
    assert.deepEqual(
      (await found('where does the okapi sleep')).toSorted(),
      [question, answer, quoted].toSorted(),
    )
    assert.deepEqual(await found('where does the okapi sleep', { evidence_only: true }), [answer])
  })

  test('a replaced memory is found by its new words and no longer by its old ones', async () => {
    const id = await stored('the walrus sings')
    const { status, body } = await memory.call('PUT', `/recall/${id}`, {
      content: 'the narwhal sings',
      type: 'song',
    })
    assert.equal(status, 200)
    assert.equal(body.type, 'song')
    assert.deepEqual(await found('walrus'), [])
    assert.deepEqual(await found('narwhal'), [id])
  })

  test('a deleted memory is gone from recall, search and counts', async () => {
    const id = await stored('the axolotl smiles')
    const before = await memory.call('GET', '/query/stats')
    assert.equal((await memory.call('DELETE', `/recall/${id}`)).status, 200)
    assert.equal((await memory.call('GET', `/recall/${id}`)).status, 404)
    assert.deepEqual(await found('axolotl'), [])
    assert.equal((await memory.call('GET', '/query/stats')).body.items, before.body.items - 1)
  })

  test('by type goes through all memories of the type, newest first, page by page', async () => {
    const ids: string[] = []
    for (let n = 0; n < 7; n++) ids.push(await stored(`page entry ${n}`, { type: 'paged' }))
    const firstPage = await memory.call('GET', '/query/by-type/paged?limit=4')
    const last = firstPage.body.results.at(-1)?.id ?? ''
    const secondPage = await memory.call('GET', `/query/by-type/paged?limit=4&before=${last}`)
    const seen = [...firstPage.body.results, ...secondPage.body.results].map(({ id }) => id)
    assert.deepEqual(seen, ids.toReversed())
  })

  test('hundreds of writers at once: every acknowledged memory is there, every id once', async () => {
    const ids = await Promise.all(Array.from({ length: 300 }, (_, n) => stored(`concurrent gopher${n}`)))
    assert.equal(new Set(ids).size, 300)
    for (const n of [0, 17, 299]) assert.deepEqual(await found(`gopher${n}`), [ids[n]])
  })
})

test('the metrics tell the items, the searches and the time of each database operation', async () => {
  await stored('something to measure')
  await found('measure')
  const { payload } = await memory.app.inject({ method: 'GET', url: '/metrics' })
  const items = Number(/^sonia_memory_items (\d+)$/m.exec(payload)?.[1])
  assert.equal(items, (await memory.call('GET', '/query/stats')).body.items)
  assert.match(payload, /^sonia_memory_searches_total\{mode="lexical"\} [1-9]/m)
  for (const operation of ['store', 'commit', 'recall', 'search_terms']) {
    assert.match(
      payload,
      new RegExp(`^sonia_memory_db_query_duration_seconds_count\\{operation="${operation}"\\} [1-9]`, 'm'),
    )
  }
})
