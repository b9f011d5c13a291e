import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PrometheusClient } from '../engine/prometheus-client.ts'
import { hostForTest } from '../host-for-test.ts'
import { silentProgress } from './progress.ts'
import { waitForQuietAlerts } from './quiet-alerts.ts'

/** Alerts fire at each of the first `looks` questions; counts the questions and the seconds waited. */
async function waited(looks: number): Promise<{ asked: number; slept: number }> {
  const seen = { asked: 0, slept: 0 }
  const client: Pick<PrometheusClient, 'instant'> = {
    instant: (query, time) => {
      seen.asked += 1
      const data = seen.asked <= looks ? [{ labels: { alertname: 'ServiceDown' }, time, value: '1' }] : []
      return Promise.resolve({ kind: 'instant', query, time, fault: null, data })
    },
  }
  const host = hostForTest([])
  const sleep = (ms: number) => {
    seen.slept += ms / 1000
    return Promise.resolve()
  }
  const context = {
    host: { ...host, clock: { ...host.clock, sleep } },
    signal: host.interrupted,
    progress: silentProgress,
  }
  await waitForQuietAlerts(context, client)
  return seen
}

test('gives up after a minute on an alert that stays, and leaves it to the criteria', async () => {
  assert.deepEqual(await waited(Number.POSITIVE_INFINITY), { asked: 60, slept: 60 })
})

test('a window opens at once where nothing fires, and when the last alert has ended', async () => {
  assert.deepEqual(await waited(0), { asked: 1, slept: 0 })
  assert.deepEqual(await waited(3), { asked: 4, slept: 3 })
})
