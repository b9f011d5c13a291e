import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostForTest } from '../host-for-test.ts'
import { PROFILES } from '../profiles.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'

/** A grid whose clock moves only by sleeping. */
function gridAt(seconds: number, scrapeSeconds: number) {
  let nowMs = seconds * 1000
  const host = hostForTest([])
  const clock = {
    ...host.clock,
    nowMs: () => nowMs,
    sleep: (ms: number) => Promise.resolve(void (nowMs += ms)),
  }
  const grid = {
    host: { ...host, clock },
    signal: host.interrupted,
    profile: { ...PROFILES.ci, scrapeSeconds },
    tree: { look: () => Promise.resolve(), described: () => Promise.reject(new Error('no tree here')) },
  }
  return { grid, nowSeconds: () => nowMs / 1000, interrupt: host.interrupt }
}

test('an end lies on the grid, after one whole scrape of what was counted, and is answered only when it is over', async () => {
  const { grid, nowSeconds } = gridAt(1007.3, 5)
  const end = await freezeEnd(grid)
  assert.equal(end % 5, 0)
  assert.ok(end - 1007.3 > 5)
  assert.ok(nowSeconds() >= end + 5)
})

test('a start lies on the grid, after at least one scrape', async () => {
  const { grid, nowSeconds } = gridAt(1007.3, 15)
  const start = await openWindow(grid)
  assert.equal(start % 15, 0)
  assert.ok(start - 1007.3 > 15)
  assert.ok(nowSeconds() >= start)
})

test('Ctrl-C ends the wait', async () => {
  const { grid, interrupt } = gridAt(1007, 15)
  interrupt()
  await assert.rejects(freezeEnd(grid))
})
