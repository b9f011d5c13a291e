import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareVersions, versionIn } from './version.ts'

test('a version is found in what each component prints', () => {
  assert.equal(versionIn('k6 v2.2.0 (go1.26.8, linux/amd64)'), '2.2.0')
  assert.equal(versionIn('prometheus, version 3.16.0 (branch: , revision: unknown)'), '3.16.0')
  assert.equal(versionIn('otelcol version 0.165.0'), '0.165.0')
  assert.equal(versionIn('1.21 linux/amd64'), '1.21')
  assert.equal(versionIn('no number here'), null)
})

test('versions are compared by number, not by text', () => {
  assert.ok(compareVersions('1.9.0', '1.21.0') < 0)
  assert.ok(compareVersions('3.16.0', '3.5.0') > 0)
  assert.equal(compareVersions('1.21', '1.21.0'), 0)
})

test('the order of versions is antisymmetric', () => {
  const version = fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30)).map((parts) => parts.join('.'))
  fc.assert(
    fc.property(version, version, (left, right) => {
      assert.equal(Math.sign(compareVersions(left, right)), -Math.sign(compareVersions(right, left)) + 0)
    }),
    { seed: 20261124 },
  )
})
