import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_RETENTION, expendable, expendableAfter, type RetainedBackup } from './retention.ts'

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

const MINUTE_MS = 60_000
const hourOf = (id: string) => id.slice(0, 11)
const LITTLE = { hourly: 3, daily: 2, weekly: 1 }
const PROPERTY = { seed: 20261125, numRuns: 300 }

test('of an hour with a verified and a later unverified backup the verified one stays', () => {
  const verified = { id: idAt(START), isVerified: true }
  const broken = { id: idAt(START + 2 * MINUTE_MS), isVerified: false }
  const later = { id: idAt(START + 48 * HOUR_MS), isVerified: true }
  const gone = expendable([verified, broken, later], DEFAULT_RETENTION)
  assert.deepEqual(gone, [broken.id])
})

test('unverified backups, however many, send no verified one away', () => {
  // Hours apart, so that none is spared for being young.
  const backup = fc.record({ gap: fc.integer({ min: 1, max: 200 }), isVerified: fc.boolean() })
  fc.assert(
    fc.property(fc.array(backup, { minLength: 1, maxLength: 80 }), (made) => {
      let at = START
      const backups = made.map(({ gap, isVerified }) => {
        at += gap * HOUR_MS
        return { id: idAt(at), isVerified }
      })
      const verified = backups.filter(({ isVerified }) => isVerified)
      const alone = expendable(verified, LITTLE)
      const among = expendable(backups, LITTLE)
      assert.deepEqual(
        among.filter((id) => verified.some((one) => one.id === id)),
        alone,
      )
    }),
    PROPERTY,
  )
})

test('no backup of the hour before the one just made is sent away, so that its path stays true', () => {
  const minutes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(minutes, (made) => {
      const ids = made.map((minute, index) => idAt(START + minute * MINUTE_MS, index))
      const gone = expendable(
        ids.map((id) => ({ id, isVerified: true })),
        { hourly: 1, daily: 1, weekly: 1 },
      )
      const newest = Math.max(...made)
      const young = ids.filter((_, index) => newest - (made[index] ?? 0) < 60)
      assert.deepEqual(
        gone.filter((id) => young.includes(id)),
        [],
      )
    }),
    PROPERTY,
  )
})

test('whatever the clock does, the newest verified backup stays, and each that goes has its successors', () => {
  const hour = fc.integer({ min: -10_000, max: 10_000 })
  const step = fc.record({ hours: fc.oneof(fc.constant(5.5), hour), isVerified: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      let at = START + 20_000 * HOUR_MS
      let there: readonly RetainedBackup[] = []
      let newestVerified: string | undefined
      for (const [index, { hours, isVerified }] of steps.entries()) {
        at = Math.max(START, at + hours * HOUR_MS)
        const made = idAt(at, index)
        if (isVerified) newestVerified = made
        there = [...there, { id: made, isVerified }]
        const gone = expendableAfter(made, there, LITTLE)
        const stays = there.filter(({ id }) => !gone.includes(id))
        assert.ok(stays.some(({ id }) => id === made))
        assert.ok(newestVerified === undefined || stays.some(({ id }) => id === newestVerified))
        for (const { id } of there.filter((one) => one.isVerified && gone.includes(one.id))) {
          assertSucceeded(id, made, stays)
        }
        there = stays
      }
    }),
    PROPERTY,
  )
})

/** A verified backup may only go where one of its hour, or those of as many later hours as are kept, are verified too. */
function assertSucceeded(id: string, made: string, stays: readonly RetainedBackup[]): void {
  const after = stays.filter((one) => one.isVerified && one.id > id && one.id <= made)
  const hours = new Set(after.map((one) => hourOf(one.id)))
  assert.ok(hours.has(hourOf(id)) || hours.size >= LITTLE.hourly, `${id} has no successors`)
}

test('a backup from a clock that was ahead does not end the cleaning', () => {
  const ahead = { id: idAt(START + 876_000 * HOUR_MS), isVerified: true }
  const honest = Array.from({ length: 100 }, (_, index) => ({
    id: idAt(START + index * HOUR_MS),
    isVerified: true,
  }))
  const made = honest.at(-1)?.id ?? ''
  const gone = expendableAfter(made, [...honest, ahead], LITTLE)
  assert.deepEqual([gone.length > 90, gone.includes(made), gone.includes(ahead.id)], [true, false, false])
})
