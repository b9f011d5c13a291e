import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mutatePromql, withWiderParameters } from './mutate-promql.ts'

const mutants = (text: string) => mutatePromql(text).map((mutant) => mutant.text)

test('each comparison is turned round, and none inside quotes or braces', () => {
  assert.deepEqual(mutants('a >= bool 1'), ['a < bool 1'])
  assert.deepEqual(mutants('a == b'), ['a != b'])
  assert.deepEqual(mutants('up{x="a<b"}'), ['up{}'])
})

test('each matcher is dropped once', () => {
  assert.deepEqual(mutants('m{a="1",b=~"2|3"}'), ['m{b=~"2|3"}', 'm{a="1"}'])
})

test('each window becomes wider, and the one with a parameter too', () => {
  assert.deepEqual(mutants('rate(m[1m])'), ['rate(m[20m])'])
  assert.deepEqual(mutants('max_over_time(m[$W:$S])'), ['max_over_time(m[$WIDE_W:$S])'])
})

test('the wider parameter is twenty times as long', () => {
  assert.deepEqual(withWiderParameters({ W: 60, JOB: 'x' }), { W: 60, JOB: 'x', WIDE_W: 1200 })
})

test('what holds nothing to change gives no mutant', () => {
  assert.deepEqual(mutants('sum(up)'), [])
})
