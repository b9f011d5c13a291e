import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { eventually } from '#chassis/testing.ts'
import { CHAT, gateway, standingClock } from './testing.ts'
import { createTurnstile } from './turnstile.ts'

const CHATTING = { kind: 'external', principal: 'local' } as const
const TALKING = { kind: 'service', name: 'pipecat' } as const

function turnstile(atOnce: number) {
  const clock = standingClock()
  const { enter, pass } = createTurnstile({ atOnce, waitMsMax: { normal: 100, high: 1000 }, clock })
  const inside: string[] = []
  const refused: string[] = []
  const ask = (name: string, caller: typeof CHATTING | typeof TALKING = CHATTING) => {
    const client = new AbortController()
    const entered = enter({ caller, signal: client.signal }).then(
      (leave) => {
        inside.push(name)
        return leave
      },
      (error: unknown) => {
        refused.push(`${name}: ${error instanceof ServiceError ? String(error.details?.['reason']) : 'gone'}`)
        return () => undefined
      },
    )
    return { entered, client }
  }
  return { ask, pass, clock, inside, refused }
}

/** What is settled is seen by those who wait for it. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a chat whose turn does not come in time is refused as overloaded, one that talks waits longer', async () => {
  const { ask, clock, inside, refused } = turnstile(1)
  const leave = await ask('first').entered
  ask('chat')
  ask('voice', TALKING)
  clock.advance(101)
  await eventually(() => refused.length === 1)
  assert.deepEqual(refused, ['chat: OVERLOADED'])
  leave()
  await settle()
  assert.deepEqual(inside, ['first', 'voice'])
})

test('who left while waiting is not let in', async () => {
  const { ask, inside, refused } = turnstile(1)
  const leave = await ask('first').entered
  const { client } = ask('gone')
  ask('next')
  client.abort(new Error('left'))
  leave()
  await settle()
  assert.deepEqual([inside, refused], [['first', 'next'], ['gone: gone']])
})

test('not more than so many are inside at once; then they come in their order, those who talk first', async () => {
  const { ask, inside } = turnstile(2)
  const leave = await ask('a').entered
  await ask('b').entered
  for (const name of ['c', 'd']) ask(name)
  ask('voice', TALKING)
  await settle()
  assert.deepEqual(inside, ['a', 'b'])
  leave()
  await settle()
  assert.deepEqual(inside, ['a', 'b', 'voice'])
})

test('a step that is over is over once, however often that is said', async () => {
  const { ask, inside } = turnstile(1)
  const leave = await ask('a').entered
  ask('b')
  ask('c')
  leave()
  leave()
  await settle()
  assert.deepEqual(inside, ['a', 'b'])
})

test('the last step of what was let in waits for nobody, and others wait for it', async () => {
  const { ask, pass, inside } = turnstile(1)
  const last = pass()
  const alsoLast = pass()
  ask('new')
  await settle()
  assert.deepEqual(inside, [])
  alsoLast()
  last()
  await settle()
  assert.deepEqual(inside, ['new'])
})

test('a hundred chats at once, more than are let in, are all answered; none is refused while its turn comes', async () => {
  const { post } = await gateway(CHAT, { answers_at_once: 3 })
  const answers = await Promise.all(Array.from({ length: 100 }, () => post('/v1/chat', { message: 'hi' })))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
})

test('while a memory keeps all turns, a chat is refused and costs no model anything', async () => {
  const held = Promise.withResolvers<object>()
  const replies = { ...CHAT, 'memory-engine /search': () => held.promise }
  const { post, seen } = await gateway(replies, { answers_at_once: 1 })
  const first = post('/v1/chat', { message: 'kept' })
  await eventually(() => seen.length === 1)
  const { status, body } = await post('/v1/chat', { message: 'too many' })
  assert.deepEqual([status, body.error?.details], [503, { reason: 'OVERLOADED' }])
  held.resolve({ results: [] })
  assert.equal((await first).status, 200)
  assert.deepEqual(
    seen.filter(({ path }) => path === '/search').map(({ body: asked }) => asked['query']),
    ['kept'],
  )
})
