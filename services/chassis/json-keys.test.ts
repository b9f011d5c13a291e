import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findDuplicateKey, isTooDeep } from './json-keys.ts'

fc.configureGlobal({ seed: 20261124 })

const duplicates: [string, string][] = [
  ['{"a":1,"a":2}', 'a'],
  ['{"a":{"b":1,"b":2}}', 'b'],
  ['[{"x":1},{"y":1,"y":1}]', 'y'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"":1,"":2}', ''],
  ['{"a\\"b":1,"a\\"b":2}', 'a"b'],
  ['{"a":[{"a":1}],"a":2}', 'a'],
  ['{"a\\\\":1,"b":"\\\\\\"","a\\\\":2}', 'a\\'],
]
for (const [text, key] of duplicates) {
  test(`finds the key named twice in ${text}`, () => assert.equal(findDuplicateKey(text), key))
}

for (const text of [
  '{"a":1,"b":{"a":2}}',
  '[{"a":1},{"a":2}]',
  '{"a":"a","b":"a"}',
  '{"a":"{\\"a\\":1,\\"a\\":2}"}',
  '"a"',
  '{"a":":","b":"x:y"}',
]) {
  test(`finds nothing in ${text}`, () => assert.equal(findDuplicateKey(text), undefined))
}

test('no value that JSON.stringify wrote has a key twice', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => findDuplicateKey(JSON.stringify(value)) === undefined))
})

test('an object with its first key repeated is always found', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (value) => {
      const [key = ''] = Object.keys(value)
      const text = `${JSON.stringify(value).slice(0, -1)},${JSON.stringify(key)}:null}`
      return findDuplicateKey(text) === key
    }),
  )
})

test('depth is counted over objects and arrays, and stops at 64', () => {
  const nest = (depth: number): unknown =>
    depth === 0 ? 1 : depth % 2 === 0 ? [nest(depth - 1)] : { a: nest(depth - 1) }
  assert.equal(isTooDeep(nest(64)), false)
  assert.equal(isTooDeep(nest(65)), true)
})

test('strings as long as the largest file are looked through, of whatever they are made', () => {
  for (const unit of ['x', '\n', '"', '\\', '{":[']) {
    const content = unit.repeat((10 * 1024 * 1024) / unit.length)
    assert.equal(findDuplicateKey(JSON.stringify({ content, other: 1 })), undefined)
    assert.equal(findDuplicateKey(`{"a":${JSON.stringify(content)},"a":1}`), 'a')
  }
})
