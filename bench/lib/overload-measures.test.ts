import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { type Outcome, outcomeOf } from './overload-clients.ts'
import { goodPerSecond, overloadMeasures, p99Of } from './overload-measures.ts'

const arrival = (outcome: Outcome, tookMs: number, plannedMs = 0) => ({
  outcome,
  tookMs,
  plannedMs,
  senderLateMs: 0,
})

test('who was refused or failed has no small latency, however quick the refusal', () => {
  const quick = Array.from({ length: 50 }, () => arrival('good', 5))
  assert.equal(p99Of(quick), 5)
  assert.ok(p99Of([...quick, arrival('refused', 1), arrival('failed', 1)]) > 10_000)
})

test('late answers, degraded ones, and those after the end of the round are no goodput', () => {
  const plan = { goodWithinMs: 2000, roundMs: 10_000 }
  const chats = [
    arrival('good', 100),
    arrival('good', 1900, 5000),
    arrival('good', 2100, 5000),
    arrival('good', 1500, 9000),
    arrival('degraded', 100),
    arrival('refused', 1),
  ]
  assert.equal(goodPerSecond(chats, plan), 0.2)
})

test('an answer is told by its code, not by its status alone', () => {
  assert.equal(outcomeOf(503, '{"ok":false,"error":{"details":{"reason":"OVERLOADED"}}}'), 'refused')
  assert.equal(outcomeOf(503, '{"ok":false,"error":{"code":"UNAVAILABLE"}}'), 'failed')
  assert.equal(outcomeOf(200, '{"ok":true,"warning":{"code":"DEGRADED"}}'), 'degraded')
  assert.equal(outcomeOf(200, '{"ok":true,"warning":null}'), 'good')
})

test('each stack is held against its own peak, and a stack that keeps too little is told', () => {
  const round = (good: number) => ({
    goodPerSecond: good,
    chats: [arrival('good', 1)],
    health: [arrival('good', 1)],
    voice: [arrival('good', 1)],
  })
  const rounds = new Map(
    Object.entries({ unloaded: 0, peak: 100, shedding: 95, 'peak without': 50, without: 10 }).map(
      ([arm, good]) => [arm, [round(good), round(good)]],
    ),
  )
  const measures = overloadMeasures(rounds, { random: mulberry32(1), perSecond: 300 })
  const valueOf = (name: string) => measures.find((measure) => measure.name.startsWith(name))?.interval.value
  assert.equal(valueOf('goodput kept: shedding'), 0.95)
  assert.equal(valueOf('goodput kept: without'), 0.2)
})
