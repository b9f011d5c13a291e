import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ServiceError } from '#chassis/errors.ts'
import { eventually } from '#chassis/testing.ts'
import type { NeighbourRequest, Neighbours } from '#chassis/neighbours.ts'
import { type MemoryService, startMemoryEngine } from '../testing.ts'

/** A provider in whose eyes a few words mean the same. */
const MEANINGS: readonly (readonly string[])[] = [
  ['job', 'occupation', 'profession'],
  ['car', 'vehicle', 'automobile'],
  ['dog', 'terrier', 'pet'],
]

function vectorOf(text: string): number[] {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? []
  const meanings = MEANINGS.map((group) => words.filter((word) => group.includes(word)).length)
  return [...meanings, ...Array.from({ length: 29 }, (_, at) => Math.sin(at + words.length) * 0.01)]
}

interface Provider {
  readonly neighbours: Neighbours
  readonly asked: string[][]
  fails: boolean
  /** No answer before it. */
  held: Promise<void>
  answer: (texts: readonly string[]) => unknown
}

function createProvider(): Provider {
  const provider: Provider = {
    asked: [],
    fails: false,
    held: Promise.resolve(),
    answer: (texts) => ({ data: texts.map((text, index) => ({ index, embedding: vectorOf(text) })) }),
    neighbours: {
      async call<T>(_to: string, { body }: NeighbourRequest) {
        const { input } = body as { input: string[] }
        provider.asked.push(input)
        await provider.held
        if (provider.fails) throw new ServiceError('UNAVAILABLE', 'The provider is down')
        return { status: 200, body: provider.answer(input) as T, headers: {}, durationMs: 1 }
      },
      stream: () => Promise.reject(new Error('not used')),
      state: () => ({ breaker: 'closed' }),
    },
  }
  return provider
}

async function start(t: TestContext, provider: Provider, enabled = true): Promise<MemoryService> {
  const memory = await startMemoryEngine({
    neighbours: provider.neighbours,
    config: { embeddings: { enabled, model: 'test', batch: 4 } },
  })
  t.after(() => memory.stop())
  return memory
}

async function store(memory: MemoryService, ...contents: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const content of contents)
    ids.push((await memory.call('POST', '/store', { type: 'fact', content })).body.id)
  return ids
}

async function vectors(memory: MemoryService, count: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { body } = await memory.call('GET', '/query/stats')
    if ((body as unknown as { vectors: number }).vectors === count) return
    await pause(20)
  }
  assert.fail(`no ${count} vectors within 2 s`)
}

async function degraded(memory: MemoryService): Promise<string> {
  return (await memory.app.inject('/healthz')).json<{ status: string }>().status
}

test('without a provider in the configuration nothing is sent, and the mode is lexical', async (t) => {
  const provider = createProvider()
  const memory = await start(t, provider, false)
  await store(memory, 'my occupation is baker')
  const { body } = await memory.call('POST', '/search', { query: 'job', mode: 'hybrid' })
  assert.deepEqual([body.mode, body.count, provider.asked.length], ['lexical', 0, 0])
})

test('a memory is found by its meaning, and every memory is embedded once', async (t) => {
  const provider = createProvider()
  const memory = await start(t, provider)
  const [job] = await store(
    memory,
    'my occupation is baker',
    'the terrier sleeps',
    'an old automobile',
    'rain',
    'snow',
    'ice',
  )
  await vectors(memory, 6)
  const { body } = await memory.call('POST', '/search', { query: 'which job' })
  assert.equal(body.mode, 'hybrid')
  assert.equal(body.results[0]?.id, job)
  assert.equal(provider.asked.flat().filter((text) => text.includes('baker')).length, 1)
  const lexical = await memory.call('POST', '/search', { query: 'which job', mode: 'lexical' })
  assert.deepEqual([lexical.body.mode, lexical.body.count], ['lexical', 0])
})

test('replaced content is embedded anew', async (t) => {
  const provider = createProvider()
  const memory = await start(t, provider)
  const [id] = await store(memory, 'my occupation is baker')
  await vectors(memory, 1)
  await memory.call('PUT', `/recall/${id}`, { content: 'the terrier sleeps' })
  await vectors(memory, 1)
  const { body } = await memory.call('POST', '/search', { query: 'which pet' })
  assert.equal(body.results[0]?.id, id)
})

test('a memory that gets the place of a forgotten one is embedded too', async (t) => {
  const provider = createProvider()
  const memory = await start(t, provider)
  const [, newest] = await store(memory, 'rain', 'snow')
  await vectors(memory, 2)
  await memory.call('DELETE', `/recall/${newest}`)
  const [job] = await store(memory, 'my occupation is baker')
  await vectors(memory, 2)
  const { body } = await memory.call('POST', '/search', { query: 'which job' })
  assert.equal(body.results[0]?.id, job)
})

test('content that is replaced while it is being embedded is embedded again', async (t) => {
  const provider = createProvider()
  const held = Promise.withResolvers<void>()
  provider.held = held.promise
  const memory = await start(t, provider)
  const [id] = await store(memory, 'my occupation is baker')
  await eventually(() => provider.asked.length === 1)
  await memory.call('PUT', `/recall/${id}`, { content: 'the terrier sleeps' })
  held.resolve()
  await vectors(memory, 1)
  const { body } = await memory.call('POST', '/search', { query: 'which pet' })
  assert.equal(body.results[0]?.id, id)
})

const refused = () => new ServiceError('INVALID_ARGUMENT', 'The provider does not take this')

/** A provider that takes no texts with this word among them. */
function providerRefusing(word: string) {
  const provider = createProvider()
  const { answer } = provider
  provider.answer = (texts) => {
    if (texts.some((text) => text.includes(word))) throw refused()
    return answer(texts)
  }
  return provider
}

test('a memory that the provider refuses keeps no other from its vector', async (t) => {
  const memory = await start(t, providerRefusing('poison'))
  await store(memory, 'rain', 'poison', 'my occupation is baker', 'snow')
  await vectors(memory, 3)
  assert.equal((await memory.call('POST', '/search', { query: 'job' })).body.mode, 'hybrid')
  assert.equal(await degraded(memory), 'OK')
})

test('a memory that was refused is asked for again only when it changes', async (t) => {
  const provider = providerRefusing('poison')
  const memory = await start(t, provider)
  const asked = (word: string) => provider.asked.filter((texts) => texts.join().includes(word)).length
  const [first, poison] = await store(memory, 'rain', 'poison', 'snow')
  await vectors(memory, 2)
  const before = asked('poison')
  await memory.call('PUT', `/recall/${first}`, { content: 'fog' })
  await eventually(() => asked('fog') > 0)
  await vectors(memory, 2)
  await store(memory, 'ice')
  await vectors(memory, 3)
  assert.equal(asked('poison'), before)
  await memory.call('PUT', `/recall/${poison}`, { content: 'harmless' })
  await vectors(memory, 4)
})

test('a provider that refuses everything is waited for, and no memory is left out', async (t) => {
  const provider = createProvider()
  const { answer } = provider
  provider.answer = () => {
    throw refused()
  }
  const memory = await start(t, provider)
  await store(memory, 'my occupation is baker')
  await eventually(async () => (await degraded(memory)) === 'DEGRADED')
  provider.answer = answer
  await vectors(memory, 1)
})

test('a provider that is down: searches are lexical, the service is DEGRADED, and it catches up afterwards', async (t) => {
  const provider = createProvider()
  provider.fails = true
  const memory = await start(t, provider)
  await store(memory, 'my occupation is baker')
  const { body } = await memory.call('POST', '/search', { query: 'baker' })
  assert.deepEqual([body.mode, body.count], ['lexical', 1])
  assert.equal(await degraded(memory), 'DEGRADED')
  provider.fails = false
  await vectors(memory, 1)
  assert.equal((await memory.call('POST', '/search', { query: 'job' })).body.mode, 'hybrid')
  assert.equal(await degraded(memory), 'OK')
})

for (const [what, answer] of [
  ['no JSON of the format', () => ({ vectors: [] })],
  [
    'a vector too few',
    (texts: readonly string[]) => ({ data: texts.slice(1).map((_, index) => ({ index, embedding: [1] })) }),
  ],
  [
    'an empty vector',
    (texts: readonly string[]) => ({ data: texts.map((_, index) => ({ index, embedding: [] })) }),
  ],
] as const) {
  test(`an answer with ${what} counts as no answer`, async (t) => {
    const provider = createProvider()
    provider.answer = answer
    const memory = await start(t, provider)
    await store(memory, 'baker')
    const { body } = await memory.call('POST', '/search', { query: 'baker' })
    assert.deepEqual([body.mode, body.count], ['lexical', 1])
    assert.equal(await degraded(memory), 'DEGRADED')
  })
}
