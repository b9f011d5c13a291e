import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliError } from '../exit-codes.ts'
import { parseMoment, parseParameters } from './judge-options.ts'

const isBadUsage = (error: unknown) => error instanceof CliError && error.exitCode === 64

for (const text of ['', 'now', '1.5', '-3', '2026-11-24', '2026-11-24T12:00', '2026-13-01T00:00:00Z']) {
  test(`"${text}" is refused as a time`, () => {
    assert.throws(() => parseMoment(text, '--from'), isBadUsage)
  })
}

test('a time with its zone and seconds since 1970 say the same', () => {
  assert.equal(parseMoment('2026-11-24T13:00:00+01:00', '--from'), 1_795_521_600)
  assert.equal(parseMoment('1795521600', '--from'), 1_795_521_600)
})

for (const pair of ['JOB', 'JOB=', 'job=x', '=x', 'A B=x']) {
  test(`"${pair}" is refused as a parameter`, () => {
    assert.throws(() => parseParameters([pair]), isBadUsage)
  })
}

test('a parameter twice, and a scrape interval that is none, are refused', () => {
  assert.throws(() => parseParameters(['A=1', 'A=2']), isBadUsage)
  assert.throws(() => parseParameters(['S=0']), isBadUsage)
  assert.throws(() => parseParameters(['S=fast']), isBadUsage)
})

test('numbers, names and lists keep their kind; a list of one has a comma', () => {
  assert.deepEqual(parseParameters(['N=2', 'JOB=a=b', 'ONE=x,', 'TWO=x,y']), {
    S: 15,
    N: 2,
    JOB: 'a=b',
    ONE: ['x'],
    TWO: ['x', 'y'],
  })
})
