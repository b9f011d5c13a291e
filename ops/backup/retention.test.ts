import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_RETENTION, expendable } from './retention.ts'

const HOUR_MS = 3_600_000

function idAt(ms: number, mark = 0): string {
  const time = new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${time}-${mark.toString(16).padStart(8, '0')}`
}

const START = Date.UTC(2026, 0, 1)

test('a year of backups every 5.5 hours keeps 24 hourly, 7 daily and 8 weekly at most', () => {
  const backups = Array.from({ length: 1500 }, (_, index) => ({
    id: idAt(START + index * 5.5 * HOUR_MS),
    isVerified: true,
  }))
  const kept = backups.length - expendable(backups, DEFAULT_RETENTION).length
  assert.ok(kept >= 24 && kept <= 39, `${kept} kept`)
})

test('the newest verified backup is never expendable, wherever the clock was', () => {
  const backup = fc.record({ at: fc.integer({ min: 0, max: 4_000_000_000_000 }), isVerified: fc.boolean() })
  fc.assert(
    fc.property(fc.array(backup, { minLength: 1, maxLength: 200 }), (made) => {
      const backups = made.map(({ at, isVerified }, index) => ({ id: idAt(at, index), isVerified }))
      const gone = new Set(expendable(backups, { hourly: 1, daily: 1, weekly: 1 }))
      const newest = backups
        .filter(({ isVerified }) => isVerified)
        .toSorted((a, b) => (a.id < b.id ? 1 : -1))[0]
      assert.ok(newest === undefined || !gone.has(newest.id))
      assert.ok(gone.size < backups.length)
    }),
    { seed: 20261124, numRuns: 200 },
  )
})

test('the newest backup from before a migration stays, however many come after it', () => {
  const later = Array.from({ length: 2000 }, (_, index) => ({
    id: idAt(START + index * HOUR_MS),
    isVerified: true,
  }))
  const wayBack = { id: idAt(START - HOUR_MS), isVerified: true, isWayBack: true }
  const older = { id: idAt(START - 2 * HOUR_MS), isVerified: true, isWayBack: true }
  const gone = expendable([older, wayBack, ...later], DEFAULT_RETENTION)
  assert.deepEqual([gone.includes(wayBack.id), gone.includes(older.id)], [false, true])
})

test('a clock that went back deletes no good backup that would have stayed', () => {
  const honest = Array.from({ length: 20 }, (_, index) => ({
    id: idAt(START + index * HOUR_MS),
    isVerified: true,
  }))
  const back = { id: idAt(START - 876_000 * HOUR_MS), isVerified: true }
  assert.deepEqual(expendable([...honest, back], DEFAULT_RETENTION), [])
})

test('a clock that jumped a century ahead deletes nothing that would have stayed', () => {
  const honest = Array.from({ length: 20 }, (_, index) => ({
    id: idAt(START + index * HOUR_MS),
    isVerified: true,
  }))
  const ahead = { id: idAt(START + 876_000 * HOUR_MS), isVerified: true }
  assert.deepEqual(expendable([...honest, ahead], DEFAULT_RETENTION), [])
})
