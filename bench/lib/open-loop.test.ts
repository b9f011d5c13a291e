import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { openLoop } from './open-loop.ts'

const PLAN = { perSecond: 200, durationMs: 300 }

test('what fails ends the loop with its error', async () => {
  await assert.rejects(
    openLoop(() => Promise.reject(new Error('refused')), { perSecond: 100, durationMs: 20 }),
    /refused/,
  )
})

test('so many requests as the rate and the time say are made, each at its time, without waiting for answers', async () => {
  let open = 0
  let openMax = 0
  const arrivals = await openLoop(async (number) => {
    openMax = Math.max(openMax, ++open)
    await sleep(100)
    open -= 1
    return number
  }, PLAN)
  assert.deepEqual(
    arrivals.map(({ outcome }) => outcome),
    Array.from({ length: 60 }, (_, number) => number),
  )
  assert.deepEqual(
    arrivals.slice(0, 3).map(({ plannedMs }) => plannedMs),
    [0, 5, 10],
  )
  // A closed loop of one would never have two open.
  assert.ok(openMax > 5, String(openMax))
})

test('one answer that blocks all for 150 ms is seen in those that were planned meanwhile, not in one alone', async () => {
  const arrivals = await openLoop(async (number) => {
    if (number === 20) block(150)
  }, PLAN)
  const waited = arrivals.filter(({ tookMs }) => tookMs > 20)
  assert.ok(waited.length >= 25, String(waited.length))
  assert.ok(arrivals.some(({ senderLateMs }) => senderLateMs > 100))
})

function block(forMs: number): void {
  const untilMs = performance.now() + forMs
  while (performance.now() < untilMs);
}
