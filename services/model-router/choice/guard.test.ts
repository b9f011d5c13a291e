import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { BrokenAnswer, CallerGone, UpstreamFault } from '../upstream-fault.ts'
import { type BreakerState, createGuard } from './guard.ts'

const OPEN_MS = 1000
const failWith = (error: Error) => () => Promise.reject(error)
const DOWN = new UpstreamFault('server_error', 'down')

function guard(options: { maxConcurrent?: number } = {}) {
  const states: BreakerState[] = []
  const made = createGuard({
    consecutiveFailures: 3,
    openMs: OPEN_MS,
    maxConcurrent: options.maxConcurrent ?? 2,
    onState: (state) => states.push(state),
  })
  return { ...made, states }
}

async function fail(run: ReturnType<typeof createGuard>['run'], error: Error, times: number): Promise<void> {
  for (let index = 0; index < times; index++) await assert.rejects(run(failWith(error)), error)
}

test('more attempts than places are refused at once, and a place is free when a stream has ended', async () => {
  const { run, inFlight } = guard({ maxConcurrent: 1 })
  const ended = Promise.withResolvers<string>()
  const first = run(() => ended.promise)
  assert.equal(inFlight(), 1)
  await assert.rejects(
    run(() => Promise.resolve('second')),
    { kind: 'busy' },
  )
  ended.resolve('first')
  assert.equal(await first, 'first')
  assert.equal(await run(() => Promise.resolve('third')), 'third')
})

test('consecutive faults open the breaker; then nothing reaches the provider', async () => {
  const { run, states } = guard()
  await fail(run, DOWN, 3)
  assert.deepEqual(states, ['open'])
  let asked = false
  await assert.rejects(
    run(() => {
      asked = true
      return Promise.resolve()
    }),
    { kind: 'breaker_open' },
  )
  assert.equal(asked, false)
})

test('an answer that broke off after its first token counts as a fault', async () => {
  const { run, states } = guard()
  await fail(run, new BrokenAnswer(new UpstreamFault('cut', 'cut')), 3)
  assert.deepEqual(states, ['open'])
})

test('what says nothing about health does not open it: callers who leave, limits, bad requests', async () => {
  const { run, states } = guard()
  await fail(run, new CallerGone('gone'), 5)
  for (const kind of ['rate_limited', 'rejected', 'unauthorized', 'unknown_model'] as const) {
    await fail(run, new UpstreamFault(kind, 'x'), 5)
  }
  assert.deepEqual(states, [])
})

test('after its time one probe goes through; others do not wait for it; success closes', async (t) => {
  mock.timers.enable({ apis: ['Date'] })
  t.after(() => mock.timers.reset())
  const { run, states } = guard()
  await fail(run, DOWN, 3)
  mock.timers.tick(OPEN_MS)
  const probe = Promise.withResolvers<string>()
  const probing = run(() => probe.promise)
  await assert.rejects(
    run(() => Promise.resolve('other')),
    { kind: 'breaker_open' },
  )
  probe.resolve('well again')
  assert.equal(await probing, 'well again')
  assert.deepEqual(states, ['open', 'half_open', 'closed'])
  assert.equal(await run(() => Promise.resolve('other')), 'other')
})

test('a probe whose caller left proves nothing: the breaker stays open', async (t) => {
  mock.timers.enable({ apis: ['Date'] })
  t.after(() => mock.timers.reset())
  const { run, states } = guard()
  await fail(run, DOWN, 3)
  mock.timers.tick(OPEN_MS)
  await fail(run, new CallerGone('gone'), 1)
  assert.deepEqual(states, ['open', 'half_open', 'open'])
})
