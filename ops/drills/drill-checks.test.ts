import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkInhibition } from './drill-checks.ts'
import type { Pager, PagerNotice } from './pager.ts'
import type { PlantedAlert } from './planted-alerts.ts'

const SERVICE = 'drill-highlatency-critical'
const CASES = [
  { alert: 'HighLatency', severity: 'critical', service: SERVICE },
] as unknown as readonly PlantedAlert[]

function pagerWith(ticketAtMs: number): Pager {
  const notice = (receiver: string, status: string, atMs: number) =>
    ({ receiver, status, atMs, alert: 'HighLatency', service: SERVICE }) as unknown as PagerNotice
  const notices = [
    notice('page', 'firing', 10_000),
    notice('ticket', 'firing', ticketAtMs),
    notice('page', 'resolved', 30_000),
  ]
  return { notices: notices.toSorted((a, b) => a.atMs - b.atMs) } as unknown as Pager
}

test('a ticket while the page of the same service fires is named: inhibition failed', () => {
  assert.deepEqual(checkInhibition(pagerWith(15_000), CASES), [`HighLatency ${SERVICE}`])
})

test('a ticket before the page, with it, or as it ends, is none that could have been held back', () => {
  assert.deepEqual(checkInhibition(pagerWith(10_020), CASES), [])
  assert.deepEqual(checkInhibition(pagerWith(9_000), CASES), [])
  assert.deepEqual(checkInhibition(pagerWith(29_500), CASES), [])
})
